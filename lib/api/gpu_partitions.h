#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace nodedevice {

// Into how many partitions of one size MIG cuts a GPU.
inline constexpr std::array<std::pair<std::string_view, int>, 37> kGpuPartitions = {{
    {"1g.5gb", 7},      {"2g.10gb", 3},        {"3g.20gb", 2},    {"7g.40gb", 1},
    {"1g.10gb", 7},     {"2g.20gb", 3},        {"3g.40gb", 2},    {"7g.80gb", 1},
    {"1g.20gb", 4},     {"1g.18gb", 7},        {"1g.35gb", 4},    {"2g.35gb", 3},
    {"3g.71gb", 2},     {"4g.71gb", 1},        {"7g.141gb", 1},   {"1g.23gb", 7},
    {"1g.45gb", 4},     {"2g.45gb", 3},        {"3g.90gb", 2},    {"4g.90gb", 1},
    {"7g.180gb", 1},    {"1g.47gb", 4},        {"2g.47gb", 3},    {"3g.93gb", 2},
    {"4g.93gb", 1},     {"7g.186gb", 1},       {"1g.24gb", 4},    {"1g.24gb+me", 1},
    {"1g.24gb+gfx", 4}, {"1g.24gb+me.all", 1}, {"1g.24gb-me", 4}, {"2g.48gb", 2},
    {"2g.48gb+gfx", 2}, {"2g.48gb+me.all", 1}, {"2g.48gb-me", 2}, {"4g.96gb", 1},
    {"4g.96gb+gfx", 1},
}};

}  // namespace nodedevice
