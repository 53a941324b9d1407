#include "devicemanager/conformance/words.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace nodedevice::devicemanager::conformance {
namespace {

constexpr std::size_t kToldAtMost = 3;
constexpr std::size_t kIdsAtMost = 4;
constexpr std::size_t kBytesAtMost = 80;

}  // namespace

std::string Took(Duration duration) {
  const double ms = std::chrono::duration<double, std::milli>(duration).count();
  if (ms < 9.95) return absl::StrFormat("%.1f ms", ms);
  if (ms < 999.5) return absl::StrFormat("%.0f ms", ms);
  return absl::StrFormat("%.2f s", ms / 1000);
}

std::string Count(std::size_t n, const std::string& noun) {
  return absl::StrCat(n, " ", noun, n == 1 ? "" : "s");
}

std::string Quoted(const std::string& text) {
  const bool cut = text.size() > kBytesAtMost;
  return absl::StrCat("'", absl::Utf8SafeCEscape(text.substr(0, kBytesAtMost)), cut ? "..." : "",
                      "'");
}

std::string Ids(const std::vector<std::string>& ids) {
  std::vector<std::string> told;
  told.reserve(kIdsAtMost + 1);
  for (std::size_t i = 0; i < std::min(ids.size(), kIdsAtMost); ++i) {
    told.push_back(absl::Utf8SafeCEscape(ids[i].substr(0, kBytesAtMost)));
  }
  if (ids.size() > kIdsAtMost) {
    told.push_back(absl::StrCat("... ", ids.size() - kIdsAtMost, " more"));
  }
  return absl::StrCat("[", absl::StrJoin(told, ", "), "]");
}

void Complaints::Add(std::string complaint) {
  ++count_;
  // The same of many calls is one complaint.
  if (std::find(told_.begin(), told_.end(), complaint) != told_.end()) return;
  if (told_.size() < kToldAtMost) told_.push_back(std::move(complaint));
}

Judgement Complaints::OrElse(std::string seen) const {
  if (empty()) return Pass(std::move(seen));
  std::string text = absl::StrJoin(told_, "; ");
  if (count_ > told_.size()) absl::StrAppend(&text, " (", count_, " times in all)");
  return Fail(std::move(text));
}

Judgement Pass(std::string seen) { return {Verdict::kPass, std::move(seen)}; }
Judgement Fail(std::string seen) { return {Verdict::kFail, std::move(seen)}; }
Judgement NotApplicable(std::string why) { return {Verdict::kNotApplicable, std::move(why)}; }

}  // namespace nodedevice::devicemanager::conformance
