// device-manager against the real kubelet: the same scenario on both, the same journal. Where they
// differ, device-manager is wrong.

#include <algorithm>
#include <future>
#include <memory>
#include <ostream>

#include "gmock/gmock.h"
#include "tests/cluster/stories/parity.h"

namespace nodedevice::testing {

// For what gtest prints of a failure.
void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

namespace {

class Parity : public ::testing::TestWithParam<Scenario> {
 public:
  static void SetUpTestSuite() {
    kubelet_ = MakeKubeletSubject("parity");
    device_manager_ = MakeDeviceManagerSubject();
    topology_policy_ = "none";
  }
  static void TearDownTestSuite() {
    kubelet_.reset();
    device_manager_.reset();
  }

 protected:
  void SetUp() override {
    const std::string& wanted = GetParam().topology_policy;
    if (wanted == topology_policy_) return;
    kubelet_->SetTopologyPolicy(wanted);
    device_manager_->SetTopologyPolicy(wanted);
    topology_policy_ = wanted;
  }

  static std::vector<std::string> JournalOn(Subject& subject) {
    Play play(subject, GetParam().name);
    GetParam().play(play);
    return play.journal();
  }

  static std::unique_ptr<Subject> kubelet_;
  static std::unique_ptr<Subject> device_manager_;
  static std::string topology_policy_;  // of both
};
std::unique_ptr<Subject> Parity::kubelet_;
std::unique_ptr<Subject> Parity::device_manager_;
std::string Parity::topology_policy_;

TEST_P(Parity, TheJournalsAgree) {
  auto playing = std::async(std::launch::async, [] { return JournalOn(*device_manager_); });
  const std::vector<std::string> real = JournalOn(*kubelet_);
  const std::vector<std::string> ours = playing.get();
  EXPECT_FALSE(real.empty());
  for (std::size_t i = 0; i < std::max(real.size(), ours.size()); ++i) {
    const std::string& kubelet = i < real.size() ? real[i] : "(nothing)";
    const std::string& device_manager = i < ours.size() ? ours[i] : "(nothing)";
    EXPECT_EQ(device_manager, kubelet)
        << "line " << i + 1 << " of the journal; the kubelet is right";
  }
}

INSTANTIATE_TEST_SUITE_P(Scenarios, Parity, ::testing::ValuesIn(Scenarios()),
                         [](const auto& scenario) { return scenario.param.name; });

}  // namespace
}  // namespace nodedevice::testing
