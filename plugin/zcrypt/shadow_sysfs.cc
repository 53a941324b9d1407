#include "plugin/zcrypt/shadow_sysfs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "plugin/zcrypt/ap_bus.h"
#include "plugin/zcrypt/ap_mask.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

constexpr char kOwner[] = "resource";
constexpr char kUnfinished[] = "new-";
constexpr std::size_t kMaxAttribute = 4096;  // sysfs gives one page at most
constexpr std::size_t kMaxEntries = 256;     // a tree has some fifty

constexpr std::array<const char*, 4> kBusFiles = {"ap_interrupts", "ap_max_domain_id",
                                                  "poll_thread", "poll_timeout"};
constexpr std::array<const char*, 1> kBusOptional = {"ap_max_adapter_id"};
constexpr std::array<const char*, 5> kCardFiles = {"ap_functions", "depth", "hwtype", "raw_hwtype",
                                                   "type"};
constexpr std::array<const char*, 4> kCardOptional = {"API_ordinalnr", "FW_version", "op_modes",
                                                      "serialnr"};
constexpr std::array<const char*, 2> kQueueFiles = {"interrupt", "reset"};
constexpr std::array<const char*, 2> kQueueOptional = {"mkvps", "op_modes"};
// The state and the counters, with what stands for them where they are not live.
constexpr std::array<std::pair<const char*, const char*>, 4> kCounters = {
    {{"online", "1\n"},
     {"pendingq_count", "0\n"},
     {"request_count", "0\n"},
     {"requestq_count", "0\n"}}};

// Puts a tree together; the first error stays.
class TreeMaker {
 public:
  explicit TreeMaker(const HostRoot& host) : host_(host) {}

  void File(std::string_view folder, std::string_view name, std::string text) {
    tree_[Join(folder, name)] = {.link = false, .text = std::move(text)};
  }
  void Link(std::string_view folder, std::string_view name, std::string target) {
    tree_[Join(folder, name)] = {.link = true, .text = std::move(target)};
  }
  // The same attribute of the host's /sys.
  template <std::size_t N>
  void Copy(std::string_view folder, const std::array<const char*, N>& names, bool required) {
    for (const char* name : names) {
      auto text = ReadFile(host_.Resolve(absl::StrCat("/sys/", Join(folder, name))), kMaxAttribute);
      if (text.ok()) {
        File(folder, name, *std::move(text));
      } else if (required && status_.ok()) {
        status_ = text.status();
      }
    }
  }

  absl::StatusOr<ShadowTree> Take() {
    if (!status_.ok()) return status_;
    return std::move(tree_);
  }

 private:
  static std::string Join(std::string_view folder, std::string_view name) {
    return absl::StrCat(std::string(folder), "/", std::string(name));
  }

  const HostRoot& host_;
  ShadowTree tree_;
  absl::Status status_;
};

void AddBus(const ApqnId& id, const std::string& card, const std::string& queue, TreeMaker& maker) {
  const std::string bus = kShadowBus;
  maker.Copy(bus, kBusFiles, /*required=*/true);
  maker.Copy(bus, kBusOptional, /*required=*/false);
  maker.File(bus, "ap_adapter_mask", ToText(OnlyBit(id.adapter)));
  maker.File(bus, "ap_usage_domain_mask", ToText(OnlyBit(id.domain)));
  maker.File(bus, "ap_control_domain_mask", ToText(ApMask()));
  maker.File(bus, "apmask", ToText(ApMask().set()));
  maker.File(bus, "aqmask", ToText(ApMask().set()));
  maker.File(bus, "ap_domain", absl::StrCat(id.domain, "\n"));
  const std::string devices = "../../../devices/ap/" + card;
  maker.Link(bus + "/devices", card, devices);
  maker.Link(bus + "/devices", queue, devices + "/" + queue);
  maker.Link(bus + "/drivers/cex4card", card, "../" + devices);
  maker.Link(bus + "/drivers/cex4queue", queue, "../" + devices + "/" + queue);
}

void AddDevices(const std::string& card, const std::string& queue, bool live, TreeMaker& maker) {
  const std::string card_folder = absl::StrCat(kShadowDevices, "/", card);
  maker.Copy(card_folder, kCardFiles, /*required=*/true);
  maker.Copy(card_folder, kCardOptional, /*required=*/false);
  maker.File(card_folder, "load", "0\n");
  maker.Link(card_folder, "driver", "../../../bus/ap/drivers/cex4card");
  maker.Link(card_folder, "subsystem", "../../../bus/ap");
  const std::string queue_folder = card_folder + "/" + queue;
  maker.Copy(queue_folder, kQueueFiles, /*required=*/true);
  maker.Copy(queue_folder, kQueueOptional, /*required=*/false);
  maker.File(queue_folder, "load", "0\n");
  maker.Link(queue_folder, "driver", "../../../../bus/ap/drivers/cex4queue");
  maker.Link(queue_folder, "subsystem", "../../../../bus/ap");
  for (const auto& [name, fixed] : kCounters) {
    maker.File(queue_folder, name, fixed);
    if (live) {
      maker.Link(card_folder, name, queue + "/" + name);
    } else {
      maker.File(card_folder, name, fixed);
    }
  }
}

// What is in a folder; nullopt: no tree of ours can look so.
std::optional<ShadowTree> ReadShadow(const fs::path& folder) {
  ShadowTree tree;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  std::size_t count = 0;
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (++count > kMaxEntries) return std::nullopt;
    const std::string name = entry->path().lexically_relative(folder).string();
    std::error_code status_error;
    const fs::file_status status = entry->symlink_status(status_error);
    if (fs::is_directory(status)) continue;
    if (fs::is_symlink(status)) {
      tree[name] = {.link = true, .text = fs::read_symlink(entry->path(), status_error).string()};
      continue;
    }
    auto text = ReadFile(entry->path(), kMaxAttribute);
    if (!fs::is_regular_file(status) || !text.ok()) return std::nullopt;
    tree[name] = {.link = false, .text = *std::move(text)};
  }
  if (error) return std::nullopt;
  return tree;
}

// /var/tmp is everybody's, so the folder may be somebody else's.
absl::Status CheckBase(const std::string& base, const HostRoot& host) {
  struct stat info = {};
  if (::lstat(host.ResolveNative(base).c_str(), &info) != 0) return ErrnoStatus(errno, base);
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(base, " is no folder"));
  }
  if (info.st_uid == ::geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat(base,
                   " can be written to by others than this program's user: remove it, or "
                   "name another folder in adjunctProcessor.shadowPath"));
}

absl::Status MakeTree(const ShadowTree& tree, const std::string& folder, HostEdits& edits) {
  std::set<std::string> made;
  for (const auto& [name, entry] : tree) {
    const std::string path = absl::StrCat(folder, "/", name);
    const std::string above = path.substr(0, path.rfind('/'));
    if (made.insert(above).second) RETURN_IF_ERROR(edits.MakeFolder(above));
    RETURN_IF_ERROR(entry.link ? edits.MakeLink(path, entry.text)
                               : edits.MakeFile(path, entry.text));
  }
  return absl::OkStatus();
}

std::string FolderOf(const ApqnId& id, const std::string& base) {
  return absl::StrCat(base, "/", ShadowFolderName(id));
}
std::string UnfinishedFolderOf(const ApqnId& id, const std::string& base) {
  return absl::StrCat(base, "/", kUnfinished, ShadowFolderName(id));
}

}  // namespace

absl::StatusOr<ShadowTree> DescribeShadow(const ApqnId& id, bool live, const std::string& owner,
                                          const HostRoot& host) {
  const std::string card = ApCardName(id.adapter);
  const std::string queue = ApQueueName(id.adapter, id.domain);
  TreeMaker maker(host);
  AddBus(id, card, queue, maker);
  AddDevices(card, queue, live, maker);
  ASSIGN_OR_RETURN(ShadowTree tree, maker.Take());
  tree[kOwner] = {.link = false, .text = owner + "\n"};
  if (live) {
    tree[kShadowQueue] = {.link = true, .text = ApQueueFolder(id.adapter, id.domain)};
  }
  return tree;
}

absl::Status EnsureShadow(const ApqnId& id, const ShadowTree& tree, const std::string& base,
                          const HostRoot& host, HostEdits& edits) {
  RETURN_IF_ERROR(edits.MakeFolder(base));
  RETURN_IF_ERROR(CheckBase(base, host));
  RETURN_IF_ERROR(edits.LabelForContainers(base));
  const std::string folder = FolderOf(id, base);
  if (ReadShadow(host.Resolve(folder)) == tree) return absl::OkStatus();
  const std::string unfinished = UnfinishedFolderOf(id, base);
  RETURN_IF_ERROR(edits.RemoveAll(unfinished));
  absl::Status status = MakeTree(tree, unfinished, edits);
  if (status.ok()) status = edits.RemoveAll(folder);
  if (status.ok()) status = edits.Rename(unfinished, folder);
  if (status.ok()) return status;
  // What cannot be removed now is removed by the next attempt.
  edits.RemoveAll(unfinished).IgnoreError();
  return Annotate(status,
                  absl::StrCat("cannot make what the container sees of /sys (", folder, ")"));
}

absl::Status RemoveShadow(const ApqnId& id, const std::string& base, HostEdits& edits) {
  RETURN_IF_ERROR(edits.RemoveAll(UnfinishedFolderOf(id, base)));
  return edits.RemoveAll(FolderOf(id, base));
}

std::map<std::string, std::optional<std::string>> Shadows(const std::string& base,
                                                          const HostRoot& host) {
  std::map<std::string, std::optional<std::string>> shadows;
  const fs::path folder = host.Resolve(base);
  for (const std::string& name : NamesIn(folder)) {
    const auto id = ParseShadowFolderName(name);
    if (!id) continue;
    const auto owner = ReadAttribute(folder / name / kOwner);
    shadows.emplace(ToText(*id), owner.ok() ? std::optional(*owner) : std::nullopt);
  }
  return shadows;
}

}  // namespace nodedevice
