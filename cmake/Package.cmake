# Debian packages, by CPack: `cmake --build build/package --target package`. scripts/package does all of it, and says for
# which Debian: a package fits the one it was built on, whose libraries it names.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME muster)
set(CPACK_PACKAGE_CONTACT "The Muster developers <muster@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "relays, counts and explains Windows volume activation")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Stands where clients look for a KMS host, relays their requests to the organisation's own licensed hosts, knows every\n\
 client in the pool, and says why machines do not activate. Run from musterctl or a web page. It activates nothing itself.")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)

set(MUSTER_PACKAGE_SUFFIX "" CACHE STRING "Behind the package's version: ~deb12, ~deb13")
set(CPACK_DEBIAN_PACKAGE_VERSION "${PROJECT_VERSION}${MUSTER_PACKAGE_SUFFIX}")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Who makes the user and the directories: systemd itself, or its small programs where there is none.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "bind9-dnsutils")  # nsupdate -g, for zones of Active Directory
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${CMAKE_CURRENT_LIST_DIR}/debian/postinst;${CMAKE_CURRENT_LIST_DIR}/debian/prerm;${CMAKE_CURRENT_LIST_DIR}/debian/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
