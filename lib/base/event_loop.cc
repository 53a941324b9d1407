#include "lib/base/event_loop.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "lib/base/unique_fd.h"

namespace nodedevice {
namespace {

sigset_t SetOf(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

}  // namespace

struct EventLoop::Impl {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{
      boost::asio::make_work_guard(context)};
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::Run() {
  impl_->context.restart();
  impl_->context.run();
}

void EventLoop::Stop() { impl_->context.stop(); }

void EventLoop::Post(std::function<void()> callback) {
  boost::asio::post(impl_->context, std::move(callback));
}

// The pending wait holds the Impl; destruction only empties `callback`.
struct Timer::Impl : std::enable_shared_from_this<Timer::Impl> {
  Impl(EventLoop& loop, std::function<void()> on_time)
      : timer(loop.impl().context), callback(std::move(on_time)) {}

  void Arm(TimePoint when) {
    ++generation;
    timer.expires_at(when);
    timer.async_wait(
        [self = shared_from_this(), expected = generation](const boost::system::error_code& error) {
          // A wait that expired just before it was moved has a success code but an old generation.
          if (error || expected != self->generation || !self->callback) return;
          const auto call = self->callback;  // the callback may destroy the timer
          call();
        });
  }

  boost::asio::steady_timer timer;
  std::function<void()> callback;
  unsigned generation = 0;
};

Timer::Timer(EventLoop& loop, std::function<void()> callback)
    : impl_(std::make_shared<Impl>(loop, std::move(callback))) {}

Timer::~Timer() {
  impl_->callback = nullptr;
  Cancel();
}

void Timer::At(TimePoint when) { impl_->Arm(when); }

void Timer::Cancel() {
  ++impl_->generation;
  impl_->timer.cancel();
}

struct ReadWatch::Impl : std::enable_shared_from_this<ReadWatch::Impl> {
  Impl(EventLoop& loop, int fd, std::function<void()> on_readable)
      : descriptor(loop.impl().context, fd), callback(std::move(on_readable)) {}
  ~Impl() { descriptor.release(); }  // borrowed: asio must not close it

  void Arm() {
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (error || !self->callback) return;
                            const auto call = self->callback;
                            call();
                            if (self->callback) self->Arm();
                          });
  }

  boost::asio::posix::stream_descriptor descriptor;
  std::function<void()> callback;
};

ReadWatch::ReadWatch(EventLoop& loop, int fd, std::function<void()> callback)
    : impl_(std::make_shared<Impl>(loop, fd, std::move(callback))) {
  impl_->Arm();
}

ReadWatch::~ReadWatch() {
  impl_->callback = nullptr;
  // Deregisters at once, while the caller still has the descriptor open.
  impl_->descriptor.cancel();
  impl_->descriptor.release();
}

void BlockSignals(std::initializer_list<int> signals) {
  const sigset_t set = SetOf(signals);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

struct SignalWatch::Impl {
  Impl(EventLoop& loop, std::initializer_list<int> signals, std::function<void(int)> on_signal)
      : set(SetOf(signals)),
        fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)),
        callback(std::move(on_signal)),
        watch(loop, fd.get(), [this] { Drain(); }) {}

  void Drain() {
    signalfd_siginfo info;
    while (::read(fd.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
      callback(static_cast<int>(info.ssi_signo));
    }
  }

  sigset_t set;
  UniqueFd fd;
  std::function<void(int)> callback;
  ReadWatch watch;
};

SignalWatch::SignalWatch(EventLoop& loop, std::initializer_list<int> signals,
                         std::function<void(int)> callback)
    : impl_(std::make_unique<Impl>(loop, signals, std::move(callback))) {}
SignalWatch::~SignalWatch() = default;

}  // namespace nodedevice
