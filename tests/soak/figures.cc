#include "tests/soak/figures.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "tests/bench/plugin_process.h"

namespace nodedevice::soak {
namespace {

constexpr std::size_t kStatusLimit = 1 << 16;
constexpr std::size_t kFewestMarks = 4;

std::int64_t Most(const std::vector<Figures>& figures, std::size_t from, std::size_t to,
                  std::int64_t Figures::*member) {
  std::int64_t most = 0;
  for (std::size_t i = from; i < to; ++i) most = std::max(most, figures[i].*member);
  return most;
}

Course CourseOf(const std::string& process, const std::vector<Figures>& figures,
                std::int64_t allowance_kib) {
  Course course{.process = process,
                .first = figures.front(),
                .last = figures.back(),
                .memory_growth_kib = 0,
                .problems = {}};
  const std::size_t half = figures.size() / 2;
  if (figures.size() < kFewestMarks) return course;
  course.memory_growth_kib = Most(figures, half, figures.size(), &Figures::private_kib) -
                             Most(figures, 0, half, &Figures::private_kib);
  for (const auto& [name, member] :
       {std::pair("descriptors", &Figures::descriptors), std::pair("threads", &Figures::threads)}) {
    const std::int64_t before = Most(figures, 0, half, member);
    if (course.last.*member <= before) continue;
    course.problems.push_back(absl::StrCat(process, " has ", course.last.*member, " ", name,
                                           " at the end and had ", before,
                                           " at most in the earlier half"));
  }
  if (allowance_kib >= 0 && course.memory_growth_kib > allowance_kib) {
    course.problems.push_back(absl::StrCat(process, " has up to ", course.memory_growth_kib,
                                           " KiB more memory in the later half, which may be ",
                                           allowance_kib));
  }
  return course;
}

}  // namespace

absl::StatusOr<Figures> FiguresOf(pid_t pid) {
  const std::filesystem::path folder = absl::StrCat("/proc/", pid);
  ASSIGN_OR_RETURN(const std::string status, ReadFile(folder / "status", kStatusLimit));
  ASSIGN_OR_RETURN(const bench::ProcessUse use, bench::ParseProcessUse(status, {}));
  return Figures{.pid = pid,
                 .private_kib = use.private_kib,
                 .descriptors = static_cast<std::int64_t>(NamesIn(folder / "fd").size()),
                 .threads = use.threads};
}

std::vector<Course> Judge(const std::vector<Mark>& marks, std::int64_t allowance_kib) {
  std::vector<Course> courses;
  if (marks.empty()) return courses;
  for (const auto& [process, first] : marks.front()) {
    std::vector<Figures> figures;
    for (const Mark& mark : marks) {
      const auto found = mark.find(process);
      if (found == mark.end() || found->second.pid != first.pid) break;
      figures.push_back(found->second);
    }
    if (figures.size() == marks.size()) {
      courses.push_back(CourseOf(process, figures, allowance_kib));
    }
  }
  return courses;
}

}  // namespace nodedevice::soak
