#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace nodedevice {

// A reader's hold on one published value. It stays valid and unchanged however often a newer one is
// published. `for (auto& x : *published.Get())` would destroy the hold before the first iteration
// (C++20), so dereferencing a temporary does not compile: name it first.
template <typename T>
class Latest {
 public:
  explicit Latest(std::shared_ptr<const T> value) : value_(std::move(value)) {}
  const T& operator*() const& { return *value_; }
  const T* operator->() const& { return value_.get(); }
  const T& operator*() const&& = delete;
  const T* operator->() const&& = delete;

 private:
  std::shared_ptr<const T> value_;
};

// The one way in which a value crosses threads: one thread sets it, any thread gets the newest.
// Thread-safe. Never empty: it is constructed with a first value.
template <typename T>
class Published {
 public:
  explicit Published(T value = T()) : value_(std::make_shared<const T>(std::move(value))) {}

  void Set(T value) {
    auto next = std::make_shared<const T>(std::move(value));
    const std::lock_guard<std::mutex> lock(mutex_);
    value_.swap(next);  // the old value dies in `next`, after the lock is released
  }

  Latest<T> Get() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return Latest<T>(value_);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace nodedevice
