#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "devicemanager/conformance/observation.h"
#include "devicemanager/conformance/rule.h"

namespace nodedevice::devicemanager::conformance {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr char kThing[] = "example.com/thing";

inline Outcome Refused(const std::string& error) {
  return {.kind = Outcome::Kind::kRefused, .error = error};
}

inline Outcome NoAnswer() {
  return {.kind = Outcome::Kind::kTimedOut,
          .error = "rpc error: code = DeadlineExceeded",
          .took = seconds(30)};
}

inline AllocateCall Allocation(AllocateCall::Kind kind, const std::vector<std::string>& ids) {
  AllocateCall call{.kind = kind, .ids = ids};
  auto& answer = *call.response.add_container_responses();
  for (const std::string& id : ids) {
    auto& device = *answer.add_devices();
    device.set_host_path("/dev/" + id);
    device.set_container_path("/dev/" + id);
    device.set_permissions("rw");
  }
  return call;
}

// What a good plugin with devices a, b and an unhealthy c gives, which registers in both ways:
// every rule applies and holds.
inline Observation Good() {
  using Kind = AllocateCall::Kind;
  Observation seen;
  for (const char* resource : {kThing, "example.com/other"}) {
    seen.registrations.push_back({.resource = resource,
                                  .told = Options{.pre_start_required = true},
                                  .options = {.pre_start_required = true}});
  }
  for (const Stage stage : {Stage::kStart, Stage::kRestart}) {
    seen.discoveries.push_back({.stage = stage});
  }
  seen.streams.push_back({.watched = seconds(20),
                          .lists = {{{.id = "a", .numa_nodes = {0}},
                                     {.id = "b", .numa_nodes = {0, 1}},
                                     {.id = "c", .health = "Unhealthy"}}}});
  seen.streams.push_back(
      {.resource = "example.com/other", .watched = seconds(20), .lists = {{{.id = "d"}}}});
  AllocateCall full = Allocation(Kind::kHealthy, {"a"});
  auto& answer = *full.response.mutable_container_responses(0);
  (*answer.mutable_envs())["NAME"] = "value";
  (*answer.mutable_annotations())["example.com/key"] = "value";
  answer.add_cdi_devices()->set_name("vendor.example/class-1=0:1");
  auto& mount = *answer.add_mounts();
  mount.set_host_path("/opt/a");
  mount.set_container_path("/opt/a");
  seen.allocations = {full, Allocation(Kind::kHealthy, {"a", "b"}),
                      Allocation(Kind::kReordered, {"b", "a"})};
  seen.allocations.push_back(
      {.kind = Kind::kUnknown, .ids = {"none"}, .outcome = Refused("no such device")});
  seen.allocations.push_back(
      {.kind = Kind::kUnhealthy, .ids = {"c"}, .outcome = Refused("c is unhealthy")});
  seen.pre_starts.push_back({});
  using Asked = PreferredCall::Kind;
  const std::vector<std::string> b = {"b"};
  seen.preferences = {
      {.kind = Asked::kPossible, .available = {"a", "b"}, .must_include = b, .size = 1, .ids = b},
      {.kind = Asked::kReordered, .available = {"b", "a"}, .must_include = b, .size = 1, .ids = b},
      {.kind = Asked::kImpossible, .available = {"a", "b"}, .size = 3, .outcome = Refused("no")}};
  for (const Stage stage :
       {Stage::kRestart, Stage::kRefusing, Stage::kSlowKubelet, Stage::kRefusedOnce, Stage::kCut,
        Stage::kSocketRemoved, Stage::kOverlap, Stage::kBeforeKubelet}) {
    seen.comebacks.push_back({.stage = stage, .resources = {{kThing, milliseconds(20)}}});
  }
  seen.hotplug = {
      .path = "/dev/a", .removal_listed = milliseconds(3), .return_listed = milliseconds(4)};
  seen.growth = {.registrations = 500,
                 .took = seconds(18),
                 .before = {.descriptors = 14, .threads = 6, .private_kib = 900},
                 .after = {.descriptors = 15, .threads = 6, .private_kib = 1100}};
  seen.overlap = {.endpoints = {{kThing, {"x-1.sock", "x-2.sock"}}}};
  seen.stop = Stop();
  seen.stop->was_in_registry = true;
  return seen;
}

inline Judgement JudgedBy(std::string_view rule, const Observation& seen) {
  for (Finding& finding : Judge(seen)) {
    if (finding.rule->name == rule) return std::move(finding.judgement);
  }
  ADD_FAILURE() << "there is no rule " << rule;
  return {};
}

// This rule alone is broken, and says so in these words.
inline void ExpectOnly(std::string_view rule, const Observation& seen, const std::string& words) {
  for (const Finding& finding : Judge(seen)) {
    if (finding.rule->name == rule) {
      EXPECT_EQ(finding.judgement.verdict, Verdict::kFail) << rule;
      EXPECT_NE(finding.judgement.seen.find(words), std::string::npos)
          << rule << ": " << finding.judgement.seen;
    } else {
      EXPECT_NE(finding.judgement.verdict, Verdict::kFail)
          << finding.rule->name << ": " << finding.judgement.seen;
    }
  }
}

}  // namespace nodedevice::devicemanager::conformance
