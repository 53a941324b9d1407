#include "devicemanager/plugin_registry.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Register = PluginRegistry::Register;
using Deregister = PluginRegistry::Deregister;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr std::chrono::seconds kSecond(1);
constexpr SocketIdentity kFirst{.device = 1, .inode = 1, .changed_ns = 1};
constexpr SocketIdentity kSecondMade{.device = 1, .inode = 1, .changed_ns = 2};
const RegistrySockets kNone;
const RegistrySockets kThere = {{"a.sock", kFirst}};
const RegistrySockets kReplaced = {{"a.sock", kSecondMade}};

TEST(PluginRegistryTest, ANewSocketIsRegisteredOnce) {
  PluginRegistry registry;
  EXPECT_THAT(registry.Look(kThere, kStart), ElementsAre(Register{"a.sock", kFirst}));
  EXPECT_THAT(registry.Look(kThere, kStart), IsEmpty()) << "under way";
  registry.Ended({"a.sock", kFirst}, std::string("example.com/a"), kStart);
  EXPECT_THAT(registry.Look(kThere, kStart + std::chrono::hours(1)), IsEmpty());
}

TEST(PluginRegistryTest, ASocketThatIsGoneIsDeregistered) {
  PluginRegistry registry;
  registry.Look(kThere, kStart);
  registry.Ended({"a.sock", kFirst}, std::string("example.com/a"), kStart);
  EXPECT_THAT(registry.Look(kNone, kStart), ElementsAre(Deregister{"example.com/a"}));
  EXPECT_THAT(registry.Look(kNone, kStart), IsEmpty());
}

TEST(PluginRegistryTest, ASocketThatWasReplacedIsDeregisteredFirst) {
  PluginRegistry registry;
  registry.Look(kThere, kStart);
  registry.Ended({"a.sock", kFirst}, std::string("example.com/a"), kStart);
  EXPECT_THAT(registry.Look(kReplaced, kStart),
              ElementsAre(Deregister{"example.com/a"}, Register{"a.sock", kSecondMade}));
}

TEST(PluginRegistryTest, WhatHappensToASocketDuringItsRegistrationIsSeenAtItsEnd) {
  PluginRegistry registry;
  registry.Look(kThere, kStart);
  EXPECT_THAT(registry.Look(kNone, kStart), IsEmpty());
  EXPECT_THAT(registry.Look(kReplaced, kStart), IsEmpty());
  registry.Ended({"a.sock", kFirst}, std::string("example.com/a"), kStart);
  EXPECT_THAT(registry.Look(kReplaced, kStart),
              ElementsAre(Deregister{"example.com/a"}, Register{"a.sock", kSecondMade}));
}

TEST(PluginRegistryTest, AFailureIsTriedAgainAfterTwiceAsLong) {
  PluginRegistry registry;
  registry.Look(kThere, kStart);
  registry.Ended({"a.sock", kFirst}, absl::UnavailableError("nobody"), kStart);
  EXPECT_THAT(registry.Look(kThere, kStart), IsEmpty());
  EXPECT_THAT(registry.Look(kThere, kStart + kSecond), ElementsAre(Register{"a.sock", kFirst}));
  registry.Ended({"a.sock", kFirst}, absl::UnavailableError("nobody"), kStart + kSecond);
  EXPECT_THAT(registry.Look(kThere, kStart + 2 * kSecond), IsEmpty());
  EXPECT_THAT(registry.Look(kThere, kStart + 3 * kSecond), ElementsAre(Register{"a.sock", kFirst}));
}

TEST(PluginRegistryTest, AFailedSocketThatIsReplacedIsTriedAtOnceAndAGoneOneForgotten) {
  PluginRegistry registry;
  registry.Look(kThere, kStart);
  registry.Ended({"a.sock", kFirst}, absl::UnavailableError("nobody"), kStart);
  EXPECT_THAT(registry.Look(kReplaced, kStart), ElementsAre(Register{"a.sock", kSecondMade}));
  registry.Ended({"a.sock", kSecondMade}, absl::UnavailableError("nobody"), kStart);
  EXPECT_THAT(registry.Look(kNone, kStart), IsEmpty());
}

TEST(PluginRegistryTest, OnlyDevicePluginsOfTheVersionAreAccepted) {
  const auto refusal = [](const std::string& type, const std::string& name,
                          const std::vector<std::string>& versions) {
    return std::string(ValidateRegistryPlugin(type, name, versions, "/r/a.sock").message());
  };
  EXPECT_EQ(refusal("DevicePlugin", "example.com/a", {"v1alpha", "v1beta1"}), "");
  EXPECT_EQ(refusal("CSIPlugin", "example.com/a", {"v1beta1"}),
            "RegisterPlugin error -- no handler registered for plugin type: CSIPlugin at socket "
            "/r/a.sock");
  EXPECT_EQ(refusal("DevicePlugin", "example.com/a", {"v1", "v2"}),
            "RegisterPlugin error -- plugin validation failed with err: manager version, v1beta1, "
            "is not among plugin supported versions [v1 v2]");
  EXPECT_EQ(refusal("DevicePlugin", "widget", {"v1beta1"}),
            "RegisterPlugin error -- plugin validation failed with err: invalid name of device "
            "plugin socket: the ResourceName \"widget\" is invalid");
}

}  // namespace
}  // namespace nodedevice::devicemanager
