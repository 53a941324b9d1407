// Making and removing mediated devices on a fake node, whose kernel acts on what is written to its
// sysfs.
#include "plugin/discovery/mdev_maker.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_mdev_kernel.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace fs = std::filesystem;

constexpr char kResource[] = "nvidia.com/vgpu";
constexpr char kFirst[] = "0000:3b:00.0";
constexpr char kSecond[] = "0000:5e:00.0";
constexpr char kA[] = "nvidia-222";
constexpr char kB[] = "nvidia-223";
constexpr char kForeign[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";

std::string Uuid(const char* parent, const char* type, int index) {
  return MdevUuid(kResource, parent, type, index);
}
std::string Created(const char* parent, const char* type, int index) {
  return std::string("create ") + parent + " " + type + " <- " + Uuid(parent, type, index);
}

class MdevMakerTest : public ::testing::Test {
 protected:
  MdevMakerTest() {
    for (const char* parent : {kFirst, kSecond}) {
      bus_.Plug({.address = parent, .vendor = "10de", .driver = "nvidia"});
      kernel_.Register(parent, 2, {{kA, "GRID T4-1Q", 1}, {kB, "GRID T4-2Q", 2}});
    }
  }

  // Each time a new one: nothing is remembered.
  DeviceMaker::Result Work(const std::vector<MdevCreation>& rules,
                           const DeviceMaker::Order& order = {}) {
    MdevMaker maker(kResource, rules, HostRoot(node_.path()),
                    [this](const fs::path& file, std::string_view value) {
                      return kernel_.Write(file, value);
                    });
    return maker.Work(
        order, [this](const std::string& step) { steps_.push_back(step); }, stop_.get_token());
  }

  testing::TempDir node_;
  testing::FakePciBus bus_{node_};
  testing::FakeMdevKernel kernel_{node_, bus_};
  std::stop_source stop_;
  std::vector<std::string> steps_;
};

TEST_F(MdevMakerTest, DevicesAreMadeAndThenLeftAlone) {
  const std::vector<MdevCreation> rules = {{.type = "GRID T4-1Q", .count = 3}};
  const auto result = Work(rules);
  EXPECT_THAT(kernel_.trace(),
              ElementsAre(Created(kFirst, kA, 0), Created(kFirst, kA, 1), Created(kSecond, kA, 0)));
  EXPECT_THAT(result.done,
              ElementsAre("2 mediated devices of type nvidia-222 were made on 0000:3b:00.0",
                          "1 mediated devices of type nvidia-222 were made on 0000:5e:00.0"));
  EXPECT_THAT(result.notes, IsEmpty());
  EXPECT_THAT(steps_, SizeIs(3));
  EXPECT_EQ(steps_[0], "making a mediated device of type nvidia-222 on 0000:3b:00.0");

  const auto again = Work(rules);
  EXPECT_THAT(again.done, IsEmpty());
  EXPECT_THAT(kernel_.trace(), SizeIs(3)) << "what is there is there";
}

TEST_F(MdevMakerTest, ACardOfOneTypeAtATimeIsGivenToTheRulesInTurn) {
  const auto result = Work({{.type = kA}, {.type = kB}});
  EXPECT_THAT(kernel_.trace(),
              ElementsAre(Created(kFirst, kA, 0), Created(kFirst, kA, 1), Created(kSecond, kB, 0)));
  EXPECT_THAT(result.notes, IsEmpty());
}

TEST_F(MdevMakerTest, NothingIsWrittenWhereADriverHasNoRoom) {
  kernel_.Make(kFirst, kB, kForeign);
  const auto result = Work({{.type = kA, .parents = {kFirst}}});
  EXPECT_THAT(kernel_.trace(), IsEmpty());
  EXPECT_THAT(result.notes, ElementsAre("create: 0 of type nvidia-222: 0000:3b:00.0: its driver "
                                        "has room for none"));
}

TEST_F(MdevMakerTest, WhatIsNotAskedForGoesBeforeNewOnesCome) {
  Work({{.type = kA}});
  const std::string first = Uuid(kFirst, kA, 0);
  const std::vector<MdevCreation> rules = {{.type = kB}};
  const std::size_t before = kernel_.trace().size();

  auto result = Work(rules);
  EXPECT_THAT(kernel_.trace(), SizeIs(before)) << "nobody has said who has them";
  EXPECT_THAT(result.unwanted, SizeIs(4));
  EXPECT_THAT(result.notes, ElementsAre(HasSubstr("is removed when no pod has had it for 30 s: ")));

  // A pod has one; the other card is free.
  DeviceMaker::Order order{.remove = result.unwanted, .keep = {first}};
  order.remove.erase(first);
  result = Work(rules, order);
  EXPECT_THAT(result.unwanted, ElementsAre(first));
  const std::vector<std::string> written(
      kernel_.trace().begin() + static_cast<std::ptrdiff_t>(before), kernel_.trace().end());
  EXPECT_THAT(written, ::testing::UnorderedElementsAre("remove " + Uuid(kFirst, kA, 1) + " <- 1",
                                                       "remove " + Uuid(kSecond, kA, 0) + " <- 1",
                                                       "remove " + Uuid(kSecond, kA, 1) + " <- 1",
                                                       Created(kSecond, kB, 0)));
  EXPECT_EQ(written.back(), Created(kSecond, kB, 0));
  EXPECT_THAT(result.done,
              ElementsAre("3 mediated devices that the entry does not ask for were removed",
                          "1 mediated devices of type nvidia-223 were made on 0000:5e:00.0"));

  // The pod has ended.
  result = Work(rules, {.remove = {first}});
  EXPECT_THAT(result.unwanted, IsEmpty());
  EXPECT_THAT(kernel_.Devices(),
              ::testing::UnorderedElementsAre(Uuid(kFirst, kB, 0), Uuid(kSecond, kB, 0)));
}

TEST_F(MdevMakerTest, WhatSomebodyElseHasMadeIsNeverRemoved) {
  kernel_.Make(kFirst, kA, kForeign);
  const std::string of_another = MdevUuid("nvidia.com/other", kFirst, kA, 0);
  kernel_.Make(kFirst, kA, of_another);
  const auto result = Work({{.type = kA, .count = 0}}, {.remove = {kForeign, of_another}});
  EXPECT_THAT(kernel_.trace(), IsEmpty());
  EXPECT_THAT(result.unwanted, IsEmpty());
}

TEST_F(MdevMakerTest, ARefusalIsANoteAndTheNextCallTriesAgain) {
  kernel_.Refuse(std::string("create ") + kFirst);
  const std::vector<MdevCreation> rules = {{.type = kA, .count = 4}};
  auto result = Work(rules);
  EXPECT_THAT(kernel_.Devices(), SizeIs(2));
  EXPECT_THAT(kernel_.trace(),
              ElementsAre(Created(kFirst, kA, 0), Created(kSecond, kA, 0), Created(kSecond, kA, 1)))
      << "once is enough";
  ASSERT_THAT(result.notes, SizeIs(1));
  EXPECT_THAT(result.notes[0], HasSubstr("create: 2 of 4 of type nvidia-222: 0000:3b:00.0: "));
  EXPECT_THAT(result.notes[0], HasSubstr("create: Input/output error"));

  kernel_.Relent();
  result = Work(rules);
  EXPECT_THAT(kernel_.Devices(), SizeIs(4));
  EXPECT_THAT(result.notes, IsEmpty());
}

TEST_F(MdevMakerTest, AKernelThatMakesNothingIsANote) {
  kernel_.LetMakingFail(kA);
  const auto result = Work({{.type = kA, .parents = {kFirst}}});
  EXPECT_THAT(kernel_.trace(), SizeIs(1));
  EXPECT_THAT(result.notes,
              ElementsAre("create: 0 of type nvidia-222: 0000:3b:00.0: the kernel was asked and "
                          "did not do it: its log says why"));
}

TEST_F(MdevMakerTest, WhatCannotBeRemovedStaysAndIsANote) {
  Work({{.type = kA, .count = 2}});
  const std::string uuid = Uuid(kFirst, kA, 1);
  kernel_.Refuse("remove ");
  const auto result = Work({{.type = kA, .count = 1}}, {.remove = {uuid}});
  EXPECT_THAT(result.unwanted, ElementsAre(uuid));
  EXPECT_THAT(kernel_.Devices(), SizeIs(2));
  EXPECT_THAT(result.notes,
              ElementsAre(HasSubstr(
                  "could not be removed, and is tried again in a minute: " + uuid + ": ")));
}

TEST_F(MdevMakerTest, TheSameDevicesComeAfterAReboot) {
  Work({{.type = kA, .count = 3}});
  const auto before = kernel_.Devices();
  for (const std::string& uuid : before) {
    ASSERT_TRUE(kernel_.Write("/sys/bus/mdev/devices/" + uuid + "/remove", "1").ok());
  }
  Work({{.type = kA, .count = 3}});
  EXPECT_EQ(kernel_.Devices(), before);
}

TEST_F(MdevMakerTest, ItEndsBetweenTwoStepsWhenItIsTold) {
  stop_.request_stop();
  const auto result = Work({{.type = kA}});
  EXPECT_THAT(kernel_.trace(), IsEmpty());
  EXPECT_THAT(result.done, IsEmpty());
}

TEST_F(MdevMakerTest, GarbageInSysfsIsANote) {
  const std::string types = "sys/class/mdev_bus/" + std::string(kFirst) + "/mdev_supported_types/";
  const std::vector<MdevCreation> rules = {{.type = kA, .parents = {kFirst}}};
  node_.Write(types + "nvidia-222/available_instances", "many\x01\n");
  EXPECT_THAT(Work(rules).notes, ElementsAre(HasSubstr("is no number, but 'many\\x01'")));
  node_.Write(types + "nvidia-222/available_instances", "-1\n");
  EXPECT_THAT(Work(rules).notes, ElementsAre(HasSubstr("is no number, but '-1'")));
  node_.Remove(types + "nvidia-222/available_instances");
  EXPECT_THAT(Work(rules).notes, ElementsAre(HasSubstr("No such file or directory")));
  fs::create_directory_symlink("nowhere", node_.Under("sys/class/mdev_bus/dangling"));
  node_.Write("sys/class/mdev_bus/file", "x");
  EXPECT_THAT(Work({{.type = kA, .parents = {"dangling", "file"}}}).notes,
              ElementsAre("create: 0 of type nvidia-222: no parent has this type"));
  EXPECT_THAT(kernel_.trace(), IsEmpty());
}

TEST_F(MdevMakerTest, ThousandsAreMadeAsFarAsTheLimit) {
  bus_.Plug({.address = "0000:60:00.0"});
  kernel_.Register("0000:60:00.0", 100'000, {{"mtty-2", "", 1}});
  const auto result = Work({{.type = "mtty-2", .count = 1000}});
  EXPECT_THAT(kernel_.Devices(), SizeIs(1000));
  EXPECT_THAT(result.notes, IsEmpty());
}

}  // namespace
}  // namespace nodedevice
