// Prints the distance and the action of each person, image by image.
#include <cmath>
#include <memory>

#include <pose_action_ros/msg/person_array.hpp>
#include <rclcpp/rclcpp.hpp>

using pose_action_ros::msg::PersonArray;

class PeopleListener : public rclcpp::Node
{
public:
  PeopleListener() : Node("people_listener")
  {
    subscription_ = create_subscription<PersonArray>(
      "people", 10, [this](PersonArray::ConstSharedPtr msg) { print(*msg); });
  }

private:
  void print(const PersonArray & msg)
  {
    for (const auto & person : msg.people) {
      const auto & root = person.pose.root;
      const double distance_m = std::hypot(root.x, root.y, root.z);  // nan without CameraInfo
      const char * label = person.action.valid ? person.action.label.c_str() : "not known yet";
      RCLCPP_INFO(get_logger(), "person %d, %.2f m: %s", person.track_id, distance_m, label);
    }
    for (const int track_id : msg.ended_tracks) {
      RCLCPP_INFO(get_logger(), "person %d has left", track_id);
    }
  }
  rclcpp::Subscription<PersonArray>::SharedPtr subscription_;
};

int main(int argc, char ** argv)
{
  rclcpp::init(argc, argv);
  rclcpp::spin(std::make_shared<PeopleListener>());
  return rclcpp::shutdown() ? 0 : 1;
}
