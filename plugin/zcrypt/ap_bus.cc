#include "plugin/zcrypt/ap_bus.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "lib/base/file.h"
#include "lib/base/utf8.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

constexpr char kSysinfo[] = "/proc/sysinfo";
constexpr std::size_t kMaxSysinfo = 1u << 16;
constexpr std::size_t kMaxShown = 64;

const char* WordOf(CexMode mode) {
  switch (mode) {
    case CexMode::kAccel:
      return "accel";
    case CexMode::kCca:
      return "cca";
    case CexMode::kEp11:
      return "ep11";
  }
  return "";
}

bool IsFolder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// An attribute that older kernels do not have: nothing then.
std::string Attribute(const fs::path& folder, const char* name) {
  return ReadAttribute(folder / name).value_or("");
}

// What the card and its queue say of themselves, the cause before what follows from it.
std::string StateProblem(const fs::path& card, const fs::path& queue) {
  const std::string card_name = card.filename().string();
  const std::string queue_name = queue.filename().string();
  if (Attribute(card, "config") == "0") {
    return absl::StrCat("the card ", card_name, " is deconfigured");
  }
  if (Attribute(card, "chkstop") == "1") {
    return absl::StrCat("the card ", card_name, " is in the state checkstop");
  }
  if (Attribute(queue, "config") == "0") {
    return absl::StrCat("its queue ", queue_name, " is deconfigured");
  }
  if (Attribute(queue, "chkstop") == "1") {
    return absl::StrCat("its queue ", queue_name, " is in the state checkstop");
  }
  const auto online = ReadAttribute(queue / "online");
  if (!online.ok() || online->empty()) {
    return absl::StrCat("the kernel does not say whether its queue ", queue_name, " is online",
                        online.ok() ? "" : ": ", online.status().message());
  }
  // Only the first character counts.
  if (online->front() == '1') return "";
  return absl::StrCat("its queue ", queue_name, " is offline");
}

}  // namespace

std::string ApCardName(int adapter) { return absl::StrFormat("card%02x", adapter); }

std::string ApQueueName(int adapter, int domain) {
  return absl::StrFormat("%02x.%04x", adapter, domain);
}

std::string ApCardFolder(int adapter) { return absl::StrCat(kApDevices, "/", ApCardName(adapter)); }

std::string ApQueueFolder(int adapter, int domain) {
  return absl::StrCat(ApCardFolder(adapter), "/", ApQueueName(adapter, domain));
}

std::optional<ApCardType> ParseApCardType(std::string_view text) {
  constexpr std::string_view kPrefix = "CEX";
  if (!text.starts_with(kPrefix) || text.size() < kPrefix.size() + 2) return std::nullopt;
  const std::string_view number = text.substr(kPrefix.size(), text.size() - kPrefix.size() - 1);
  ApCardType type;
  for (const char c : number) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
  }
  if (!absl::SimpleAtoi(absl::string_view(number.data(), number.size()), &type.generation)) {
    return std::nullopt;
  }
  switch (text.back()) {
    case 'A':
      type.mode = CexMode::kAccel;
      return type;
    case 'C':
      type.mode = CexMode::kCca;
      return type;
    case 'P':
      type.mode = CexMode::kEp11;
      return type;
    default:
      return std::nullopt;
  }
}

absl::StatusOr<ApQueue> ReadApQueue(const HostRoot& host, int adapter, int domain) {
  const fs::path card = host.Resolve(ApCardFolder(adapter));
  const fs::path folder = host.Resolve(ApQueueFolder(adapter, domain));
  if (!IsFolder(card)) {
    return absl::NotFoundError(absl::StrCat("there is no card ", ApCardName(adapter)));
  }
  if (!IsFolder(folder)) {
    return absl::NotFoundError(
        absl::StrCat(ApCardName(adapter), " has no queue ", ApQueueName(adapter, domain)));
  }
  ApQueue queue;
  const auto type = ReadAttribute(card / "type");
  if (!type.ok()) {
    queue.problem = absl::StrCat("what kind of card ", ApCardName(adapter),
                                 " is cannot be told: ", type.status().message());
    return queue;
  }
  queue.card_type = OneLine(*type, kMaxShown);
  queue.type = ParseApCardType(*type);
  queue.problem = queue.type ? StateProblem(card, folder)
                             : absl::StrCat("the card ", ApCardName(adapter), " is of the type '",
                                            queue.card_type,
                                            "', which is none of CEX4 and later such as CEX7C");
  return queue;
}

std::string WhyNotWanted(const AdjunctProcessor& family, const ApQueue& queue, int adapter) {
  if (!queue.type) return "";  // its problem says more
  std::vector<std::string> wanted;
  if (family.mode && *family.mode != queue.type->mode) wanted.emplace_back(WordOf(*family.mode));
  if (queue.type->generation < family.min_generation) {
    wanted.push_back(absl::StrCat("at least cex", family.min_generation));
  }
  if (wanted.empty()) return "";
  return absl::StrCat(ApCardName(adapter), " is a ", queue.card_type, ", and the entry wants ",
                      absl::StrJoin(wanted, ", "));
}

std::optional<std::string> ParseMachineId(std::string_view sysinfo) {
  std::string manufacturer;
  std::string type;
  std::string sequence;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(sysinfo.data(), sysinfo.size()), '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    std::string* part = parts.first == "Manufacturer"    ? &manufacturer
                        : parts.first == "Type"          ? &type
                        : parts.first == "Sequence Code" ? &sequence
                                                         : nullptr;
    if (part == nullptr || !part->empty()) continue;
    *part = std::string(absl::StripAsciiWhitespace(parts.second));
  }
  if (manufacturer.empty() || type.empty() || sequence.empty()) return std::nullopt;
  return absl::StrCat(manufacturer, "-", type, "-", sequence);
}

absl::StatusOr<std::string> ReadMachineId(const HostRoot& host) {
  absl::StatusOr<std::string> text = ReadFile(host.Resolve(kSysinfo), kMaxSysinfo);
  if (absl::IsNotFound(text.status())) text = ReadFile(kSysinfo, kMaxSysinfo);
  if (!text.ok()) return text.status();
  if (std::optional<std::string> id = ParseMachineId(*text)) return *std::move(id);
  return absl::NotFoundError(
      absl::StrCat(kSysinfo, " does not hold Manufacturer, Type and Sequence Code"));
}

}  // namespace nodedevice
