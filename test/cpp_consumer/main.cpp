// Fills every message of the package, and asks for the type support that a publisher needs.
#include <cmath>
#include <iostream>

#include <pose_action_ros/msg/action_label.hpp>
#include <pose_action_ros/msg/joint_layout.hpp>
#include <pose_action_ros/msg/person_array.hpp>
#include <pose_action_ros/msg/pose3_d.hpp>
#include <rosidl_typesupport_cpp/message_type_support.hpp>

using pose_action_ros::msg::ActionLabel;
using pose_action_ros::msg::JointLayout;
using pose_action_ros::msg::PersonArray;
using pose_action_ros::msg::Pose3D;

template <typename T>
bool publishable()
{
  return rosidl_typesupport_cpp::get_message_type_support_handle<T>() != nullptr;
}

int main()
{
  pose_action_ros::msg::Joint joint;
  joint.name = "pelvis";
  Pose3D pose;
  pose.header.frame_id = "camera_optical_frame";
  pose.joints.push_back(joint);
  ActionLabel action;
  action.header = pose.header;
  pose_action_ros::msg::Person person;
  person.pose = pose;
  person.action = action;
  PersonArray people;
  people.people.push_back(person);
  if (
    !publishable<Pose3D>() || !publishable<ActionLabel>() || !publishable<PersonArray>() ||
    !publishable<JointLayout>())
  {
    return 1;
  }
  std::cout << people.people.at(0).pose.joints.at(0).name << " in " << action.header.frame_id << std::endl;
  return 0;
}
