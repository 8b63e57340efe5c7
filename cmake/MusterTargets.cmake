# One verb per kind of thing. All of them take TESTS: CppUTest files that become one test program NAME_test.

# What scripts build where they do not need everything: programs and plugins that a person runs, the tests of label
# `threaded`, the fuzzers.
add_custom_target(muster_run)
add_custom_target(muster_threaded)
add_custom_target(muster_fuzzers)

# With MUSTER_PRECOMPILED every target of the tree takes the standard library's headers from muster_precompiled; called at the end, when all targets are known.
function(muster_share_headers)
    if(NOT MUSTER_PRECOMPILED)
        return()
    endif()
    add_library(muster_precompiled OBJECT "${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp")
    target_link_libraries(muster_precompiled PRIVATE Poco::Foundation)  # for the macros that it wants
    target_precompile_headers(muster_precompiled PRIVATE
        <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <cstdint> <filesystem> <fstream>
        <functional> <map> <memory> <mutex> <optional> <random> <set> <span> <sstream> <string> <string_view>
        <system_error> <thread> <unordered_map> <utility> <variant> <vector>)
    set(directories "${PROJECT_SOURCE_DIR}")
    while(directories)
        list(POP_FRONT directories directory)
        get_property(below DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
        list(APPEND directories ${below})
        get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
        foreach(target IN LISTS targets)
            get_target_property(type ${target} TYPE)
            get_target_property(sources ${target} SOURCES)
            if(type MATCHES "LIBRARY|EXECUTABLE" AND sources MATCHES "\\.cpp" AND NOT target STREQUAL "muster_precompiled")
                target_precompile_headers(${target} REUSE_FROM muster_precompiled)
            endif()
        endforeach()
    endwhile()
endfunction()

# muster_add_tests(NAME SOURCES x_test.cpp ... LIBS ... [LABELS threaded])
# A ctest entry NAME; label `threaded` puts it into the tsan run.
function(muster_add_tests name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBS;LABELS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_LIBS} muster_test_main)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "unit;${arg_LABELS}")
    if("threaded" IN_LIST arg_LABELS)
        add_dependencies(muster_threaded ${name})
    endif()
endfunction()

# muster_add_library(NAME SOURCES ... [LIBS ...] [PRIVATE_LIBS ...] [TESTS ...] [TEST_LIBS ...] [LABELS ...])
# A static library inside the core; includes are written relative to core/ ("kms/pdu.h") or to the sdk ("muster/result.h").
function(muster_add_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBS;PRIVATE_LIBS;TESTS;TEST_LIBS;LABELS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}/core")
    target_link_libraries(${name} PUBLIC muster_sdk ${arg_LIBS} PRIVATE ${arg_PRIVATE_LIBS})
    if(arg_TESTS)
        muster_add_tests(${name}_test SOURCES ${arg_TESTS} LIBS ${name} ${arg_TEST_LIBS} LABELS ${arg_LABELS})
    endif()
endfunction()

# muster_add_program(NAME SOURCES ... LIBS ... [NO_INSTALL])
function(muster_add_program name)
    cmake_parse_arguments(arg "NO_INSTALL" "" "SOURCES;LIBS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/core")
    target_link_libraries(${name} PRIVATE ${arg_LIBS})
    if(NOT arg_NO_INSTALL)
        install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_SBINDIR}")
    endif()
    add_dependencies(muster_run ${name})
endfunction()

# muster_add_plugin(NAME SOURCES ... [LIBS ...] [TESTS ...] [TEST_LIBS ...] [LABELS ...] [DIRECTORY dir] [OUTPUT file-name])
# The shared library NAME.so in the tree's plugin directory, its tests, and the check of its exports,
# all from one list of objects. NAME is also the exported symbol (muster_plugin_NAME, dashes as underscores).
function(muster_add_plugin name)
    cmake_parse_arguments(arg "NO_EXPORT_CHECK" "DIRECTORY;OUTPUT" "SOURCES;LIBS;TESTS;TEST_LIBS;LABELS" ${ARGN})
    if(NOT arg_DIRECTORY)
        set(arg_DIRECTORY "${MUSTER_PLUGIN_DIRECTORY}")
    endif()
    if(NOT arg_OUTPUT)
        set(arg_OUTPUT "${name}")
    endif()
    add_library(plugin_${name}_objects OBJECT ${arg_SOURCES})
    target_link_libraries(plugin_${name}_objects PUBLIC muster_sdk ${arg_LIBS})
    target_include_directories(plugin_${name}_objects PUBLIC "${PROJECT_SOURCE_DIR}/core")
    target_compile_options(plugin_${name}_objects PRIVATE
        $<$<AND:$<CXX_COMPILER_ID:GNU>,$<COMPILE_LANGUAGE:CXX>>:-fno-gnu-unique>)
    add_library(plugin_${name} MODULE)
    target_link_libraries(plugin_${name} PRIVATE plugin_${name}_objects ${arg_LIBS})
    # What comes from a static library stays inside: only the descriptor is exported.
    target_link_options(plugin_${name} PRIVATE "-Wl,--exclude-libs,ALL" -Wl,-Bsymbolic)
    if(NOT MUSTER_SANITIZE)
        target_link_options(plugin_${name} PRIVATE -Wl,--no-undefined)
    endif()
    set_target_properties(plugin_${name} PROPERTIES PREFIX "" SUFFIX ".so" OUTPUT_NAME "${arg_OUTPUT}"
                          LIBRARY_OUTPUT_DIRECTORY "${arg_DIRECTORY}")
    if(arg_DIRECTORY STREQUAL MUSTER_PLUGIN_DIRECTORY)
        install(TARGETS plugin_${name} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/muster/plugins")
        add_dependencies(muster_run plugin_${name})
    endif()
    if(arg_TESTS)
        muster_add_tests(plugin_${name}_test SOURCES ${arg_TESTS} LIBS plugin_${name}_objects ${arg_TEST_LIBS}
                         LABELS ${arg_LABELS})
    endif()
    if(NOT arg_NO_EXPORT_CHECK AND NOT MUSTER_SANITIZE AND NOT MUSTER_COVERAGE)
        add_test(NAME plugin_${name}_exports
                 COMMAND "${PROJECT_SOURCE_DIR}/scripts/check-plugin-exports" $<TARGET_FILE:plugin_${name}>)
        set_tests_properties(plugin_${name}_exports PROPERTIES LABELS unit)
    endif()
endfunction()

# muster_add_family(NAME SOURCES table.c [TESTS ...]): a product family is one const C table; nothing else is linked.
function(muster_add_family name)
    muster_add_plugin(${name} ${ARGN})
endfunction()

# muster_add_fuzzer(NAME SOURCES x_fuzz.cpp LIBS ... [CORPUS dir] [DICT file])
# With -DMUSTER_FUZZ=ON (preset fuzz): the program fuzz_NAME in bin/, run by scripts/fuzz.
# In every other build: a program that replays the corpus, so that a finding stays found (ctest fuzz_NAME_corpus).
function(muster_add_fuzzer name)
    cmake_parse_arguments(arg "" "CORPUS;DICT" "SOURCES;LIBS" ${ARGN})
    if(NOT arg_CORPUS)
        set(arg_CORPUS "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}")
    endif()
    if(MUSTER_FUZZ)
        add_executable(fuzz_${name} ${arg_SOURCES})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        add_test(NAME fuzz_${name}_corpus COMMAND fuzz_${name} -runs=0 "${arg_CORPUS}")
    else()
        add_executable(fuzz_${name} ${arg_SOURCES} "${PROJECT_SOURCE_DIR}/core/sdk/test/replay_main.cpp")
        add_test(NAME fuzz_${name}_corpus COMMAND fuzz_${name} "${arg_CORPUS}")
    endif()
    target_link_libraries(fuzz_${name} PRIVATE ${arg_LIBS})
    set_tests_properties(fuzz_${name}_corpus PROPERTIES LABELS "unit;corpus" TIMEOUT 300)
    add_dependencies(muster_fuzzers fuzz_${name})
    # scripts/fuzz reads this list: name, corpus, dictionary.
    set_property(GLOBAL APPEND PROPERTY MUSTER_FUZZERS "${name}\t${arg_CORPUS}\t${arg_DICT}")
endfunction()
