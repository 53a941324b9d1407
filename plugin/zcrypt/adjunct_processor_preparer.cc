#include "plugin/zcrypt/adjunct_processor_preparer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "plugin/zcrypt/ap_bus.h"
#include "plugin/zcrypt/shadow_sysfs.h"
#include "plugin/zcrypt/zcrypt_node.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxShownId = 63;

bool Means(const AdjunctProcessor& family, const ApqnId& id) {
  return std::ranges::any_of(family.apqns, [&id](const Apqn& apqn) {
    return apqn.adapter == id.adapter && apqn.domain == id.domain;
  });
}

absl::Status NoSuchId(const std::string& id) {
  return absl::InvalidArgumentError(absl::StrCat("'", id.substr(0, kMaxShownId),
                                                 "' is no id of a crypto card's queue, such as "
                                                 "apqn-3-5-0"));
}

}  // namespace

AdjunctProcessorPreparer::AdjunctProcessorPreparer(std::string resource,
                                                   std::shared_ptr<ApSelection> selection,
                                                   const HostRoot& host,
                                                   std::unique_ptr<HostEdits> edits)
    : resource_(std::move(resource)),
      selection_(std::move(selection)),
      host_(host),
      edits_(std::move(edits)) {}

absl::Status AdjunctProcessorPreparer::CheckQueue(const ApqnId& id,
                                                  const AdjunctProcessor& family) const {
  if (!Means(family, id) || id.index >= family.overcommit) {
    return absl::NotFoundError("the configuration does not give it away (any more)");
  }
  if (std::string problem = ZcryptProblem(host_); !problem.empty()) {
    return absl::FailedPreconditionError(problem);
  }
  ASSIGN_OR_RETURN(const ApQueue queue, ReadApQueue(host_, id.adapter, id.domain));
  if (!queue.problem.empty()) return absl::FailedPreconditionError(queue.problem);
  const std::string why_not = WhyNotWanted(family, queue, id.adapter);
  return why_not.empty() ? absl::OkStatus() : absl::FailedPreconditionError(why_not);
}

absl::Status AdjunctProcessorPreparer::Prepare(const std::string& text) {
  const auto id = ParseApqnId(text);
  if (!id) return NoSuchId(text);
  const AdjunctProcessor family = selection_->Read().family;
  RETURN_IF_ERROR(CheckQueue(*id, family));
  // All that is read, before anything is made.
  ASSIGN_OR_RETURN(const auto tree, DescribeShadow(*id, family.live_sysfs, resource_, host_));
  ASSIGN_OR_RETURN(const bool made, EnsureZcryptNode(*id, host_, *edits_));
  absl::Status status = EnsureShadow(*id, tree, family.shadow_path, host_, *edits_);
  if (!status.ok() && made) {
    const absl::Status undone = DestroyZcryptNode(*id, host_, *edits_);
    if (!undone.ok()) {
      status =
          absl::Status(status.code(), absl::StrCat(status.message(), "; and ", ZcryptNodeName(*id),
                                                   " stays: ", undone.message()));
    }
  }
  return status;
}

absl::Status AdjunctProcessorPreparer::Release(const std::string& text) {
  const auto id = ParseApqnId(text);
  if (!id) return NoSuchId(text);
  RETURN_IF_ERROR(DestroyZcryptNode(*id, host_, *edits_));
  const std::string base = selection_->Read().family.shadow_path;
  return RemoveShadow(*id, base, *edits_);
}

std::set<std::string> AdjunctProcessorPreparer::Prepared() {
  const AdjunctProcessor family = selection_->Read().family;
  std::set<std::string> there = ZcryptNodes(host_);
  const auto shadows = Shadows(family.shadow_path, host_);
  for (const auto& [id, owner] : shadows) there.insert(id);
  std::erase_if(there, [&](const std::string& text) {
    const auto shadow = shadows.find(text);
    if (shadow != shadows.end() && shadow->second) return *shadow->second != resource_;
    const auto id = ParseApqnId(text);
    return !id || !Means(family, *id);
  });
  return there;
}

}  // namespace nodedevice
