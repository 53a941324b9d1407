#include "tests/bench/log_tail.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"

namespace nodedevice::bench {
namespace {

constexpr std::size_t kLogLimit = 64u << 20;
constexpr std::size_t kLogTail = 2000;

}  // namespace

std::string LogTail(const std::filesystem::path& log) {
  const absl::StatusOr<std::string> text = ReadFile(log, kLogLimit);
  if (!text.ok() || text->empty()) return "it logged nothing";
  return absl::StrCat("its log ends with:\n",
                      text->substr(text->size() - std::min(text->size(), kLogTail)));
}

}  // namespace nodedevice::bench
