// Runs a fuzz target without libFuzzer: every file of the folders that are named, then mutations of
// them from a generator with a fixed seed. A finding is a crash, as with libFuzzer.

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"

namespace {

constexpr int kMutants = 4000;
constexpr int kMaxSteps = 6;
constexpr std::size_t kMaxSize = 16 << 10;

// What parsers stumble over.
constexpr std::array<std::string_view, 24> kWords = {
    "{",  "}",    "[",     "]",  ":",  ",",  "\"",  "'",     "\\",   "\n",       "- ",  "null",
    "-1", "1e99", "\\u00", "&a", "*a", "!!", "../", "/dev/", "\xFF", "\xC3\xA9", "|\n", "#"};

class Mutator {
 public:
  explicit Mutator(std::vector<std::string> seeds) : seeds_(std::move(seeds)) {}

  std::string Next() {
    std::string text = seeds_[Below(seeds_.size())];
    for (std::size_t steps = 1 + Below(kMaxSteps); steps > 0; --steps) Step(text);
    if (text.size() > kMaxSize) text.resize(kMaxSize);
    return text;
  }

 private:
  // Uniform enough, and the same everywhere, which std::uniform_int_distribution is not.
  std::size_t Below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void Step(std::string& text) {
    const std::size_t at = Below(text.size() + 1);
    const std::size_t length = Below(std::min<std::size_t>(text.size() - at, 64) + 1);
    switch (Below(6)) {
      case 0:  // a byte changes
        if (at < text.size()) text[at] = static_cast<char>(Below(256));
        break;
      case 1:  // a bit flips
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << Below(8)));
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:  // a part stands twice
        text.insert(Below(text.size() + 1), text.substr(at, length));
        break;
      case 4:
        text.insert(at, kWords[Below(kWords.size())]);
        break;
      case 5: {  // the end of another seed
        const std::string& other = seeds_[Below(seeds_.size())];
        text.replace(at, std::string::npos, other.substr(Below(other.size() + 1)));
        break;
      }
    }
  }

  std::vector<std::string> seeds_;
  std::mt19937 random_{20240229};
};

void Run(const std::string& input) {
  // A copy of exactly its size, so that a sanitizer sees every byte beyond it.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> seeds;
  for (int i = 1; i < argc; ++i) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const std::filesystem::path& file : files) {
      std::ifstream stream(file, std::ios::binary);
      seeds.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    }
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "usage: %s FOLDER...   (folders with at least one seed)\n", argv[0]);
    return 2;
  }
  Run("");
  for (const std::string& seed : seeds) Run(seed);
  Mutator mutator(seeds);
  for (int i = 0; i < kMutants; ++i) Run(mutator.Next());
  std::printf("%zu seeds and %d mutants passed\n", seeds.size(), kMutants);
  return 0;
}
