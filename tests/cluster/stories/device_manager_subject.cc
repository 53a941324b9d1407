#include <signal.h>

#include <memory>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "tests/cluster/stories/parity_subject.h"
#include "tests/support/places.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

const std::string kProgram = DeviceManagerProgram();

class DeviceManagerSubject : public Subject {
 public:
  DeviceManagerSubject() { Serve("none"); }

  KubeletPaths paths() const override { return KubeletPaths(dir_.path()); }

  void ProvideDevice(const std::string&) override {}  // nobody starts a container here

  Node::Counts Shows(const std::string& resource) override {
    const Json status = Status();
    for (const Json& entry : status["resources"]) {
      if (entry["name"] == resource) return {entry["capacity"], entry["allocatable"]};
    }
    return {};
  }

  std::vector<std::string> Admit(const Json& pod) override {
    Json manifest = pod;
    manifest["metadata"]["namespace"] = kNamespace;
    const CommandResult result = Say("admit", {"-"}, manifest.dump());
    const Json answer = Json::parse(result.out, nullptr, /*allow_exceptions=*/false);
    if (!answer.is_object()) throw std::runtime_error(result.error);
    if (!answer["admitted"].get<bool>()) {
      return {absl::StrCat("rejected: ", answer.value("reason", ""), ": ",
                           answer.value("message", ""))};
    }
    std::vector<std::string> lines;
    for (const Json& container : answer["containers"]) {
      const std::string name = container["name"];
      if (container.contains("waiting")) {
        const Json& waiting = container["waiting"];
        if (waiting["reason"] == "PodInitializing") continue;
        lines.push_back(absl::StrCat(name, " waits: ", waiting.value("reason", ""), ": ",
                                     waiting.value("message", "")));
        continue;
      }
      Json spec = container["spec"];
      spec.erase("conflicts");
      spec.erase("cdiDevices");
      lines.push_back(absl::StrCat(name, " gets ", spec.dump()));
    }
    return lines;
  }

  void Delete(const std::string& pod) override {
    Say("delete", {absl::StrCat(kNamespace, "/", pod)});  // one that was rejected is not there
  }

  std::string UidOf(const std::string& pod) override {
    const Json status = Status();
    for (const Json& entry : status["pods"]) {
      if (entry["name"] == pod) return entry["uid"];
    }
    return "";
  }

  void SetTopologyPolicy(const std::string& policy) override {
    server_->Signal(SIGTERM);
    server_->Wait();
    Serve(policy);
  }

  void Restart() override {
    const CommandResult result = Say("restart", {});
    if (result.code != 0) throw std::runtime_error(result.error);
  }

 private:
  void Serve(const std::string& topology_policy) {
    server_ = std::make_unique<Program>(
        std::vector<std::string>{kProgram, "serve", "--kubelet-dir", dir_.path(),
                                 "--topology-manager-policy", topology_policy},
        dir_.path() / "log");
    if (!WaitFor([this] { return Say("status", {"--json"}).code == 0; })) {
      throw std::runtime_error(server_->Output());
    }
  }
  CommandResult Say(const std::string& command, const std::vector<std::string>& arguments,
                    const std::string& input = "") const {
    std::vector<std::string> line = {kProgram, command, "--kubelet-dir", dir_.path()};
    line.insert(line.end(), arguments.begin(), arguments.end());
    return RunCommand(line, input);
  }
  Json Status() const { return Json::parse(Say("status", {"--json"}).out); }

  const TempDir dir_;
  std::unique_ptr<Program> server_;
};

}  // namespace

std::filesystem::path DeviceManagerProgram() {
  return SourceRoot() / "build/release/bin/device-manager";
}

std::unique_ptr<Subject> MakeDeviceManagerSubject() {
  return std::make_unique<DeviceManagerSubject>();
}

}  // namespace nodedevice::testing
