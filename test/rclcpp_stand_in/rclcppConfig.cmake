# Stands in for rclcpp where only wheels are installed: none contains it. It lies on their rcl.
#
# Not on the target rcl::rcl, which names a library of the machine that built the wheels. Their
# librcl.so needs Python's symbols, which a C++ program has only from libpython.
find_library(rclcpp_stand_in_rcl rcl REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter Development.Embed)
find_package(rmw REQUIRED)
find_package(rosidl_typesupport_cpp REQUIRED)
find_package(type_description_interfaces REQUIRED)
if(NOT TARGET rclcpp::rclcpp)
  cmake_path(GET rclcpp_stand_in_rcl PARENT_PATH lib)
  add_library(rclcpp::rclcpp INTERFACE IMPORTED)
  target_include_directories(rclcpp::rclcpp INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}/include ${lib}/../include/rcl ${lib}/../include/rcl_yaml_param_parser)
  target_link_libraries(rclcpp::rclcpp INTERFACE
    ${rclcpp_stand_in_rcl} rmw::rmw rosidl_typesupport_cpp::rosidl_typesupport_cpp
    type_description_interfaces::type_description_interfaces__rosidl_generator_c Python3::Python)
  target_link_options(rclcpp::rclcpp INTERFACE
    LINKER:--allow-shlib-undefined LINKER:--no-as-needed)
endif()
