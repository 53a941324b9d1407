#include "plugin/affinity.h"

#include <algorithm>
#include <utility>

namespace nodedevice {
namespace {

constexpr std::size_t kMostChoices = 20'000;  // answered in milliseconds: the kubelet waits

// How many ways there are to choose `taken` of `all`, or more than kMostChoices.
std::size_t Choices(std::size_t all, std::size_t taken) {
  std::size_t choices = 1;
  for (std::size_t i = 0; i < std::min(taken, all - taken); ++i) {
    choices = choices * (all - i) / (i + 1);
    if (choices > kMostChoices) break;
  }
  return choices;
}

// Devices are numbers here: first those that must be included, then the pool.
class Search {
 public:
  Search(const Affinity& affinity, const std::vector<std::string>& ids, std::size_t must)
      : count_(ids.size()), must_(must), scores_(count_ * count_) {
    for (std::size_t a = 0; a < count_; ++a) {
      for (std::size_t b = 0; b < count_; ++b) {
        if (a != b) scores_[a * count_ + b] = affinity.Between(ids[a], ids[b]);
      }
    }
    for (std::size_t i = 0; i < must_; ++i) chosen_.push_back(i);
  }

  std::vector<std::size_t> Exhaustive(std::size_t size) {
    int score = 0;
    for (const std::size_t device : chosen_) score += With(device);
    // Each pair was counted from both sides.
    Try(must_, size, score / 2);
    return best_;
  }

  std::vector<std::size_t> Greedy(std::size_t size) {
    std::vector<bool> taken(count_);
    while (chosen_.size() < size) {
      std::size_t best = count_;
      std::pair<int, int> best_score;
      for (std::size_t device = must_; device < count_; ++device) {
        if (taken[device]) continue;
        // The first of all is the one with the best neighbour.
        const std::pair<int, int> score(With(device), chosen_.empty() ? BestPairOf(device) : 0);
        if (best == count_ || score > best_score) {
          best = device;
          best_score = score;
        }
      }
      taken[best] = true;
      chosen_.push_back(best);
    }
    return chosen_;
  }

 private:
  int Score(std::size_t a, std::size_t b) const { return scores_[a * count_ + b]; }

  // What the device adds to the chosen ones.
  int With(std::size_t device) const {
    int score = 0;
    for (const std::size_t other : chosen_) score += Score(device, other);
    return score;
  }

  int BestPairOf(std::size_t device) const {
    int best = 0;
    for (std::size_t other = must_; other < count_; ++other) {
      best = std::max(best, Score(device, other));
    }
    return best;
  }

  // How well those of the pool go together that are not chosen.
  int Left() const {
    std::vector<std::size_t> left;
    for (std::size_t device = must_; device < count_; ++device) {
      if (std::ranges::find(chosen_, device) == chosen_.end()) left.push_back(device);
    }
    int score = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      for (std::size_t j = i + 1; j < left.size(); ++j) score += Score(left[i], left[j]);
    }
    return score;
  }

  void Try(std::size_t from, std::size_t size, int score) {
    if (chosen_.size() == size) {
      if (!best_.empty() && score < best_score_.first) return;
      const std::pair<int, int> value(score, Left());
      if (best_.empty() || value > best_score_) {
        best_ = chosen_;
        best_score_ = value;
      }
      return;
    }
    const std::size_t missing = size - chosen_.size();
    for (std::size_t device = from; device + missing <= count_; ++device) {
      const int added = With(device);
      chosen_.push_back(device);
      Try(device + 1, size, score + added);
      chosen_.pop_back();
    }
  }

  const std::size_t count_;
  const std::size_t must_;
  std::vector<int> scores_;  // count_ rows
  std::vector<std::size_t> chosen_;
  std::vector<std::size_t> best_;
  std::pair<int, int> best_score_;
};

}  // namespace

void Affinity::Set(const std::string& one, const std::string& other, int score) {
  scores_[one][other] = score;
  scores_[other][one] = score;
}

int Affinity::Between(std::string_view one, std::string_view other) const {
  const auto row = scores_.find(one);
  if (row == scores_.end()) return 0;
  const auto score = row->second.find(other);
  return score == row->second.end() ? 0 : score->second;
}

std::vector<std::string> BestTogether(const Affinity& affinity,
                                      std::vector<std::string> must_include,
                                      std::vector<std::string> pool, std::size_t size) {
  std::sort(must_include.begin(), must_include.end(), NaturalLess());
  std::sort(pool.begin(), pool.end(), NaturalLess());
  std::vector<std::string> ids = must_include;
  ids.insert(ids.end(), pool.begin(), pool.end());
  Search search(affinity, ids, must_include.size());
  const bool few = Choices(pool.size(), size - must_include.size()) <= kMostChoices;
  std::vector<std::string> best;
  for (const std::size_t device : few ? search.Exhaustive(size) : search.Greedy(size)) {
    best.push_back(ids[device]);
  }
  std::sort(best.begin(), best.end(), NaturalLess());
  return best;
}

}  // namespace nodedevice
