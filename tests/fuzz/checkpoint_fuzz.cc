#include <charconv>
#include <string>

#include "devicemanager/checkpoint.h"
#include "devicemanager/checkpoint_report.h"
#include "nlohmann/json.hpp"
#include "tests/fuzz/fuzz_target.h"

using nodedevice::devicemanager::Checkpoint;
using nodedevice::devicemanager::DecodeCheckpoint;
using nodedevice::devicemanager::EncodeCheckpoint;
using nodedevice::fuzz::Require;

namespace {

void RequireRoundTrip(const Checkpoint& checkpoint) {
  const std::string written = EncodeCheckpoint(checkpoint);
  const auto again = DecodeCheckpoint(written);
  Require(again.ok() && *again == checkpoint, "what is written is what was read");
  Require(EncodeCheckpoint(*again) == written, "the text of a checkpoint is always the same");
}

// The same document with the checksum that its content gives, the last word of the refusal. A
// changed byte seldom leaves the checksum right, and all that lies behind it would go untried.
std::string WithRightChecksum(std::string_view text, std::string_view refusal) {
  const std::string_view last_word = refusal.substr(refusal.rfind(' ') + 1);
  std::uint32_t checksum = 0;
  const auto [stop, error] =
      std::from_chars(last_word.data(), last_word.data() + last_word.size(), checksum);
  Require(error == std::errc() && stop == last_word.data() + last_word.size(),
          "the refusal says which checksum would be right");
  nlohmann::json document = nlohmann::json::parse(text);
  document["Checksum"] = checksum;
  return document.dump();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = nodedevice::fuzz::TextOf(data, size);
  const auto checkpoint = DecodeCheckpoint(text);
  Require(nodedevice::devicemanager::ReadForPeople(text).ok() == checkpoint.ok(),
          "people are told what a kubelet is told");
  if (checkpoint.ok()) {
    Require(!nodedevice::devicemanager::CheckpointText(*checkpoint).empty(), "something to read");
    Require(nodedevice::devicemanager::CheckpointJson(*checkpoint).contains("problems"),
            "and for programs");
    RequireRoundTrip(*checkpoint);
    return 0;
  }
  Require(absl::IsDataLoss(checkpoint.status()), "what is no checkpoint is lost data");
  const std::string refusal(checkpoint.status().message());
  Require(!refusal.empty(), "a reason");
  if (refusal.starts_with("Checksum: the file says")) {
    const auto repaired = DecodeCheckpoint(WithRightChecksum(text, refusal));
    Require(repaired.ok(), "only the checksum was wrong");
    RequireRoundTrip(*repaired);
  }
  return 0;
}
