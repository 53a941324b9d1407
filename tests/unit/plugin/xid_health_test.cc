#include "plugin/nvidia/xid_health.h"

#include <gtest/gtest.h>

namespace nodedevice {
namespace {

using std::chrono::seconds;

MigDevice MigOf(unsigned gpu_instance) {
  MigDevice mig;
  mig.gpu_instance = gpu_instance;
  return mig;
}
Gpu GpuOf(const std::string& uuid) {
  Gpu gpu;
  gpu.uuid = uuid;
  return gpu;
}

const MigDevice kFirst = MigOf(1);
const MigDevice kSecond = MigOf(2);
const Gpu kGpu = GpuOf("GPU-a");
const Gpu kOther = GpuOf("GPU-b");
const TimePoint kStart{seconds(1000)};

XidPolicy Policy(std::vector<int> ignored, std::vector<int> critical,
                 seconds quiet = XidPolicy().quiet) {
  XidPolicy policy;
  policy.ignored = std::move(ignored);
  policy.critical = std::move(critical);
  policy.quiet = quiet;
  return policy;
}

XidEvent Event(const std::string& uuid, std::uint64_t xid) {
  XidEvent event;
  event.uuid = uuid;
  event.xid = xid;
  return event;
}

TEST(XidHealthTest, AnErrorIsAboutAllThatItsGpuOffers) {
  XidHealth health({});
  EXPECT_EQ(health.ProblemOf(kGpu, nullptr, kStart), "");
  health.Note(Event("GPU-a", 79), kStart);
  const std::string problem =
      "the driver has told of XID 79 (the GPU has fallen off the bus); well again after 600 s "
      "without an error";
  EXPECT_EQ(health.ProblemOf(kGpu, nullptr, kStart), problem);
  EXPECT_EQ(health.ProblemOf(kGpu, &kFirst, kStart), problem);
  EXPECT_EQ(health.ProblemOf(kGpu, &kSecond, kStart), problem);
  EXPECT_EQ(health.ProblemOf(kOther, nullptr, kStart), "");
  EXPECT_EQ(health.ProblemOf(kOther, &kFirst, kStart), "");
}

TEST(XidHealthTest, AnErrorOfAMigDeviceIsAboutThatOne) {
  XidHealth health({});
  XidEvent event = Event("GPU-a", 94);
  event.gpu_instance = 1;
  event.compute_instance = 0;
  health.Note(event, kStart);
  EXPECT_NE(health.ProblemOf(kGpu, &kFirst, kStart), "");
  EXPECT_EQ(health.ProblemOf(kGpu, &kSecond, kStart), "");
  // Announced as a whole, the GPU holds what failed.
  EXPECT_NE(health.ProblemOf(kGpu, nullptr, kStart), "");
  event.compute_instance = 1;
  XidHealth another({});
  another.Note(event, kStart);
  EXPECT_EQ(another.ProblemOf(kGpu, &kFirst, kStart), "");
  event.compute_instance.reset();
  another.Note(event, kStart);
  EXPECT_NE(another.ProblemOf(kGpu, &kFirst, kStart), "");
}

TEST(XidHealthTest, AnErrorWithoutAGpuIsAboutAll) {
  XidHealth health({});
  health.Note(Event("", 119), kStart);
  EXPECT_NE(health.ProblemOf(kGpu, nullptr, kStart), "");
  EXPECT_NE(health.ProblemOf(kOther, &kSecond, kStart), "");
}

TEST(XidHealthTest, WhatProgramsBringAboutDoesNotCountUnlessItIsWanted) {
  for (const int xid : {13, 31, 43, 45, 68, 109}) {
    XidHealth health({});
    health.Note(Event("GPU-a", static_cast<std::uint64_t>(xid)), kStart);
    EXPECT_EQ(health.ProblemOf(kGpu, nullptr, kStart), "") << xid;
    XidHealth strict(Policy({}, {xid}));
    strict.Note(Event("GPU-a", static_cast<std::uint64_t>(xid)), kStart);
    EXPECT_NE(strict.ProblemOf(kGpu, nullptr, kStart), "") << xid;
  }
  XidHealth health(Policy({79, 94}, {94}));
  health.Note(Event("GPU-a", 79), kStart);
  EXPECT_EQ(health.ProblemOf(kGpu, nullptr, kStart), "");
  health.Note(Event("GPU-a", 94), kStart);
  EXPECT_NE(health.ProblemOf(kGpu, nullptr, kStart), "");
}

TEST(XidHealthTest, OnlyMemoryErrorsCountWhenThatIsWanted) {
  XidHealth health(Policy({}, {61}), XidHealth::Counting::kMemoryErrors);
  health.Note(Event("GPU-a", 79), kStart);
  EXPECT_EQ(health.ProblemOf(kGpu, nullptr, kStart), "");
  health.Note(Event("GPU-a", 48), kStart);
  EXPECT_NE(health.ProblemOf(kGpu, nullptr, kStart), "");
  health.Note(Event("GPU-b", 61), kStart);
  EXPECT_NE(health.ProblemOf(kOther, nullptr, kStart), "");
}

TEST(XidHealthTest, WellAgainWhenNoErrorHasComeForTheTime) {
  XidHealth health(Policy({}, {}, seconds(60)));
  health.Note(Event("GPU-a", 48), kStart);
  health.Note(Event("GPU-a", 9999), kStart + seconds(30));
  health.Note(Event("GPU-a", 48), kStart + seconds(50));
  EXPECT_EQ(health.ProblemOf(kGpu, nullptr, kStart + seconds(109)),
            "the driver has told of XID 48 (memory error that cannot be corrected); well again "
            "after 60 s without an error");
  EXPECT_EQ(health.ProblemOf(kGpu, nullptr, kStart + seconds(110)), "");
  health.Note(Event("GPU-a", 9999), kStart + seconds(200));
  EXPECT_EQ(health.ProblemOf(kGpu, nullptr, kStart + seconds(200)),
            "the driver has told of XID 9999; well again after 60 s without an error");
}

}  // namespace
}  // namespace nodedevice
