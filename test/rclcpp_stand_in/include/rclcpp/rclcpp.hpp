// The part of rclcpp that our example uses, on rcl: middleware, type support and messages are real.
//
// For environments of wheels alone, which have no rclcpp. Names and meanings are rclcpp's.
#pragma once

#include <csignal>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <rcl/error_handling.h>
#include <rcl/rcl.h>
#include <rcutils/logging_macros.h>
#include <rosidl_typesupport_cpp/message_type_support.hpp>

#define RCLCPP_INFO(logger, ...) RCUTILS_LOG_INFO_NAMED((logger).get_name(), __VA_ARGS__)

namespace rclcpp
{

inline rcl_context_t context = rcl_get_zero_initialized_context();
inline volatile std::sig_atomic_t interrupted = 0;

inline void check(rcl_ret_t status)
{
  if (status != RCL_RET_OK) {
    throw std::runtime_error(rcl_get_error_string().str);
  }
}

inline void init(int argc, char ** argv)
{
  auto options = rcl_get_zero_initialized_init_options();
  check(rcl_init_options_init(&options, rcl_get_default_allocator()));
  check(rcl_init(argc, argv, &options, &context));
  check(rcl_init_options_fini(&options));
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
}

inline bool shutdown() { return rcl_shutdown(&context) == RCL_RET_OK; }

class Logger
{
public:
  explicit Logger(std::string name) : name_(std::move(name)) {}
  const char * get_name() const { return name_.c_str(); }

private:
  std::string name_;
};

struct SubscriptionBase
{
  virtual ~SubscriptionBase() = default;
  virtual void take() = 0;
  rcl_subscription_t handle = rcl_get_zero_initialized_subscription();
};

template <typename MessageT>
struct Subscription : SubscriptionBase
{
  using SharedPtr = std::shared_ptr<Subscription>;
  std::function<void(std::shared_ptr<const MessageT>)> callback;

  void take() override
  {
    auto message = std::make_shared<MessageT>();
    const auto status = rcl_take(&handle, message.get(), nullptr, nullptr);
    if (status != RCL_RET_SUBSCRIPTION_TAKE_FAILED) {
      check(status);
      callback(message);
    }
  }
};

class Node
{
public:
  explicit Node(const std::string & name) : logger_(name)
  {
    const auto options = rcl_node_get_default_options();
    check(rcl_node_init(&node_, name.c_str(), "", &context, &options));
  }

  ~Node()
  {
    for (const auto & subscription : subscriptions_) {
      (void)rcl_subscription_fini(&subscription->handle, &node_);
    }
    (void)rcl_node_fini(&node_);
  }

  template <typename MessageT, typename CallbackT>
  std::shared_ptr<Subscription<MessageT>> create_subscription(
    const std::string & topic, size_t depth, CallbackT callback)
  {
    auto made = std::make_shared<Subscription<MessageT>>();
    made->callback = callback;
    auto options = rcl_subscription_get_default_options();
    options.qos.depth = depth;
    const auto type = rosidl_typesupport_cpp::get_message_type_support_handle<MessageT>();
    check(rcl_subscription_init(&made->handle, &node_, type, topic.c_str(), &options));
    subscriptions_.push_back(made);
    return made;
  }

  Logger get_logger() const { return logger_; }
  const std::vector<std::shared_ptr<SubscriptionBase>> & subscriptions() { return subscriptions_; }

private:
  Logger logger_;
  rcl_node_t node_ = rcl_get_zero_initialized_node();
  std::vector<std::shared_ptr<SubscriptionBase>> subscriptions_;
};

inline void spin(const std::shared_ptr<Node> & node)
{
  const auto & subscriptions = node->subscriptions();
  auto waiting = rcl_get_zero_initialized_wait_set();
  check(rcl_wait_set_init(
    &waiting, subscriptions.size(), 0, 0, 0, 0, 0, &context, rcl_get_default_allocator()));
  while (!interrupted) {
    check(rcl_wait_set_clear(&waiting));
    for (const auto & subscription : subscriptions) {
      check(rcl_wait_set_add_subscription(&waiting, &subscription->handle, nullptr));
    }
    const auto status = rcl_wait(&waiting, RCL_MS_TO_NS(100));
    if (status == RCL_RET_TIMEOUT) {
      continue;
    }
    check(status);
    for (size_t index = 0; index < subscriptions.size(); ++index) {
      if (waiting.subscriptions[index] != nullptr) {
        subscriptions[index]->take();
      }
    }
  }
  check(rcl_wait_set_fini(&waiting));
}

}  // namespace rclcpp
