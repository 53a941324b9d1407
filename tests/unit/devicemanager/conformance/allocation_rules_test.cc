#include "tests/unit/devicemanager/conformance/observations.h"

namespace nodedevice::devicemanager::conformance {
namespace {

using Kind = AllocateCall::Kind;

v1beta1::ContainerAllocateResponse& Answer(Observation& seen) {
  return *seen.allocations[0].response.mutable_container_responses(0);
}

TEST(AllocationRulesTest, AHealthyDeviceIsGiven) {
  Observation seen = Good();
  seen.allocations[0].outcome = Refused("rpc error: code = Unknown desc = busy");
  ExpectOnly("allocate/succeeds", seen, "example.com/thing [a]: rpc error: code = Unknown");
  seen.allocations[0].outcome = NoAnswer();
  EXPECT_EQ(JudgedBy("allocate/succeeds", seen).seen,
            "example.com/thing [a]: no answer in 30.00 s");
}

TEST(AllocationRulesTest, TwoDevicesMayBeTooManyForOneContainer) {
  Observation seen = Good();
  seen.allocations[1].outcome = Refused("at most one");
  seen.allocations[2].outcome = Refused("at most one");
  for (const Finding& finding : Judge(seen)) {
    EXPECT_NE(finding.judgement.verdict, Verdict::kFail) << finding.rule->name;
  }
}

TEST(AllocationRulesTest, OneContainerGetsOneAnswer) {
  Observation seen = Good();
  seen.allocations[0].response.add_container_responses();
  ExpectOnly("allocate/one-answer", seen, "example.com/thing [a]: 2 container responses");
  seen.allocations[0].response.clear_container_responses();
  ExpectOnly("allocate/one-answer", seen, "0 container responses");
}

TEST(AllocationRulesTest, AnAnswerComesWithinASecond) {
  Observation seen = Good();
  seen.allocations[0].outcome.took = milliseconds(1001);
  ExpectOnly("allocate/quick", seen, "example.com/thing [a] took 1.00 s");
}

TEST(AllocationRulesTest, PathsAreAbsolute) {
  Observation seen = Good();
  Answer(seen).mutable_devices(0)->set_host_path("dev/a");
  ExpectOnly("allocate/absolute-paths", seen, "host path of a device 'dev/a'");
  seen = Good();
  Answer(seen).mutable_mounts(0)->set_container_path("");
  ExpectOnly("allocate/absolute-paths", seen, "container path of a mount ''");
}

TEST(AllocationRulesTest, PermissionsAreOfRWM) {
  for (const char* good : {"r", "rw", "mrw", "rwm"}) {
    Observation seen = Good();
    Answer(seen).mutable_devices(0)->set_permissions(good);
    EXPECT_EQ(JudgedBy("allocate/permissions", seen).verdict, Verdict::kPass) << good;
  }
  for (const char* bad : {"", "rx", "RW", "r w"}) {
    Observation seen = Good();
    Answer(seen).mutable_devices(0)->set_permissions(bad);
    ExpectOnly("allocate/permissions", seen, "with permissions '" + std::string(bad) + "'");
  }
}

TEST(AllocationRulesTest, AContainerPathHoldsOneThing) {
  Observation seen = Good();
  auto& twin = *Answer(seen).add_devices();
  twin = Answer(seen).devices(0);
  EXPECT_EQ(JudgedBy("allocate/container-paths", seen).verdict, Verdict::kPass)
      << "the same thing twice is the same thing";
  twin.set_host_path("/dev/b");
  ExpectOnly("allocate/container-paths", seen, "two different things at '/dev/a'");
  seen = Good();
  auto& mount = *Answer(seen).add_mounts();
  mount = Answer(seen).mounts(0);
  mount.set_read_only(true);
  ExpectOnly("allocate/container-paths", seen, "two different things at '/opt/a'");
}

TEST(AllocationRulesTest, VariablesHaveNames) {
  for (const std::string& name : {std::string(), std::string("A=B"), std::string("A\0B", 3)}) {
    Observation seen = Good();
    (*Answer(seen).mutable_envs())[name] = "x";
    ExpectOnly("allocate/env-names", seen, "environment variable '");
  }
}

TEST(AllocationRulesTest, AnnotationsHaveKeys) {
  for (const char* key : {"", "a b", "a\nb"}) {
    Observation seen = Good();
    (*Answer(seen).mutable_annotations())[key] = "x";
    ExpectOnly("allocate/annotation-keys", seen, "annotation '");
  }
}

TEST(AllocationRulesTest, CdiNamesAreQualified) {
  for (const char* good : {"nvidia.com/gpu=0", "vendor/net-1=a.b:c_d-e", "k8s.device/x=GPU-1"}) {
    Observation seen = Good();
    Answer(seen).mutable_cdi_devices(0)->set_name(good);
    EXPECT_EQ(JudgedBy("allocate/cdi-names", seen).verdict, Verdict::kPass) << good;
  }
  for (const char* bad : {"", "gpu0", "nvidia.com/gpu", "nvidia.com/gpu=", "=0", "a=b/c", "1a/b=c",
                          "a/b/c=d", "vendor/cl ass=d", "vendor/class=d "}) {
    Observation seen = Good();
    Answer(seen).mutable_cdi_devices(0)->set_name(bad);
    ExpectOnly("allocate/cdi-names", seen, "CDI device '" + std::string(bad) + "'");
  }
}

TEST(AllocationRulesTest, TheOrderOfIdsAndOfDevicesTellsNothing) {
  Observation seen = Good();
  (*seen.allocations[2].response.mutable_container_responses(0)->mutable_envs())["ORDER"] = "b,a";
  ExpectOnly("allocate/any-order", seen, "[b, a] is answered otherwise than [a, b]");
  seen = Good();
  seen.allocations[2].outcome = Refused("b first is wrong");
  ExpectOnly("allocate/any-order", seen, "[b, a] ends otherwise than [a, b]");
}

TEST(AllocationRulesTest, AnUnknownIdIsRefused) {
  Observation seen = Good();
  AllocateCall& unknown = seen.allocations[3];
  unknown.outcome = Outcome();
  unknown.response.add_container_responses();
  ExpectOnly("allocate/unknown-id", seen, "[none] was answered without an error");
  unknown.outcome = NoAnswer();
  ExpectOnly("allocate/unknown-id", seen, "[none] was not answered in time");
}

TEST(AllocationRulesTest, AnUnknownIdOfInterchangeableDevicesIsAsGoodAsAny) {
  Observation seen = Good();
  seen.allocations[3].outcome = Outcome();
  seen.allocations[3].response = seen.allocations[0].response;
  EXPECT_EQ(JudgedBy("allocate/unknown-id", seen).verdict, Verdict::kPass);
}

TEST(AllocationRulesTest, AnUnhealthyDeviceIsRefused) {
  Observation seen = Good();
  seen.allocations[4] = Allocation(Kind::kUnhealthy, {"c"});
  ExpectOnly("allocate/unhealthy-id", seen, "[c] was answered without an error");
  seen.allocations.pop_back();
  EXPECT_EQ(JudgedBy("allocate/unhealthy-id", seen).verdict, Verdict::kNotApplicable);
}

TEST(AllocationRulesTest, PreStartContainerIsAnswered) {
  Observation seen = Good();
  seen.pre_starts[0].outcome = NoAnswer();
  ExpectOnly("prestart/answers", seen, "DeadlineExceeded after 30.00 s");
}

TEST(PreferenceRulesTest, AnAnswerComes) {
  Observation seen = Good();
  seen.preferences[0].outcome = Refused("rpc error: code = Unimplemented");
  ExpectOnly("preferred/answers", seen, "1 of [a, b] with [b]: rpc error: code = Unimplemented");
}

TEST(PreferenceRulesTest, TheAnswerIsMadeOfTheOffer) {
  struct Case {
    const char* rule;
    std::vector<std::string> must_include;
    int size;
    std::vector<std::string> ids;
  };
  const std::vector<Case> cases = {
      {"preferred/size", {}, 1, {}},
      {"preferred/size", {}, 1, {"a", "b"}},
      {"preferred/must-include", {"b"}, 1, {"a"}},
      {"preferred/only-offered", {}, 1, {"z"}},
      {"preferred/no-duplicates", {}, 2, {"a", "a"}},
  };
  for (const Case& bad : cases) {
    Observation seen = Good();
    for (std::size_t i = 0; i < 2; ++i) {
      seen.preferences[i].must_include = bad.must_include;
      seen.preferences[i].size = bad.size;
      seen.preferences[i].ids = bad.ids;
    }
    ExpectOnly(bad.rule, seen, "is answered with [");
  }
}

TEST(PreferenceRulesTest, TheOrderOfTheOfferTellsNothing) {
  Observation seen = Good();
  for (PreferredCall& call : seen.preferences) call.must_include = {};
  seen.preferences[1].ids = {"a"};
  ExpectOnly("preferred/any-order", seen, "gives [a], and in another order [b]");
}

TEST(PreferenceRulesTest, WhatIsImpossibleEndsNothing) {
  Observation seen = Good();
  seen.deaths.push_back({.impossible_request = true,
                         .doing = "GetPreferredAllocation of 3 of 2 devices",
                         .exit = {.number = 2}});
  ExpectOnly("preferred/impossible", seen,
             "GetPreferredAllocation of 3 of 2 devices: the plugin exited with 2");
  seen = Good();
  seen.preferences[2].outcome = NoAnswer();
  ExpectOnly("preferred/impossible", seen, "no answer in 30.00 s");
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
