#pragma once

#include <signal.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/controller/controller_fixture.h"

namespace nodedevice::testing {

// At which of the controller's writes, counted from 1, it is killed.
struct Kill {
  int write = 0;       // 0: none
  bool after = false;  // right after the API server took it, or right before
};

// For kills at each of that many writes, by name.
inline std::vector<Kill> AfterEachOf(int writes) {
  std::vector<Kill> kills;
  for (int write = 1; write <= writes; ++write) kills.push_back({write, true});
  return kills;
}
inline std::vector<Kill> BeforeAndAfterEachOf(int writes) {
  std::vector<Kill> kills = AfterEachOf(writes);
  for (int write = 1; write <= writes; ++write) kills.push_back({write, false});
  return kills;
}
inline std::string KillName(const ::testing::TestParamInfo<Kill>& instance) {
  return absl::StrCat(instance.param.after ? "After" : "Before", instance.param.write);
}

// The stories of `Fixture`, a ControllerTest, with a controller that is killed once at a write and
// started again, as a Deployment does it.
template <typename Fixture>
class KilledAtAWrite : public Fixture, public ::testing::WithParamInterface<Kill> {
 protected:
  KilledAtAWrite() { this->ends_well_ = false; }
  ~KilledAtAWrite() override {
    // The controller still writes, and what follows here is not there any more.
    this->server_.Fail(nullptr);
    this->server_.OnDone(nullptr);
  }

  void Arm(const Kill& kill) {
    writes_ = 0;
    this->server_.Fail([this, kill](const FakeApiServer::Call& call) -> std::optional<std::string> {
      if (!IsWrite(call) || kill.after || ++writes_ != kill.write) return std::nullopt;
      this->controller_->Signal(SIGKILL);
      return "";
    });
    this->server_.OnDone([this, kill](const FakeApiServer::Call& call) {
      if (IsWrite(call) && kill.after && ++writes_ == kill.write) {
        this->controller_->Signal(SIGKILL);
      }
    });
  }

  bool Until(const std::function<bool()>& condition) {
    return WaitFor([&] {
      if (HasEnded(this->controller_->pid())) {
        this->server_.Remove(kLease);  // nobody has to wait for it: its holder is dead for certain
        this->controller_ = this->Launch("controller-x");
      }
      return condition();
    });
  }
  bool UntilCondition(const std::string& config, const std::string& type, const std::string& text) {
    return Until([&] { return this->Condition(config, type) == text; });
  }

  std::atomic<int> writes_ = 0;

 private:
  static bool IsWrite(const FakeApiServer::Call& call) {
    return call.user_agent.starts_with("node-device-controller") &&
           (call.request.starts_with("PATCH ") || call.request.starts_with("DELETE ") ||
            call.request.starts_with("POST /apis/events"));
  }
};

}  // namespace nodedevice::testing
