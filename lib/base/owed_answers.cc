#include "lib/base/owed_answers.h"

#include <utility>

namespace nodedevice {

OwedAnswers::Give OwedAnswers::Owe(Give give) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->settlement) {
    give(*state_->settlement);
    return [](const absl::Status&) {};
  }
  const std::uint64_t number = ++state_->last;
  state_->owed.emplace(number, std::move(give));
  return [state = state_, number](const absl::Status& status) {
    // Held while it is given, so that Settle() waits for it.
    const std::lock_guard<std::mutex> giving(state->mutex);
    const auto owed = state->owed.extract(number);
    if (!owed.empty()) owed.mapped()(status);
  };
}

void OwedAnswers::Settle(const absl::Status& status) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->settlement = status;
  for (const auto& [number, give] : std::exchange(state_->owed, {})) give(status);
}

}  // namespace nodedevice
