# MUSTER_BUILT: the date of this build in seconds since 1970, before which no clock is right. The same for the same
# source (https://reproducible-builds.org/specs/source-date-epoch/): what the environment says, else the last commit's,
# else, in a tree without git, when CHANGELOG.md was changed last, which archives keep. Taken when CMake runs.
function(muster_build_date out)
    set(date "$ENV{SOURCE_DATE_EPOCH}")
    if(NOT date STREQUAL "" AND NOT date MATCHES "^[0-9]+$")
        message(FATAL_ERROR "SOURCE_DATE_EPOCH is \"${date}\"; a number of seconds since 1970 is wanted, or nothing")
    endif()
    if(date STREQUAL "")
        find_program(MUSTER_GIT git)
        mark_as_advanced(MUSTER_GIT)
        # A tree that only lies inside of somebody else's repository has no .git of its own.
        if(MUSTER_GIT AND EXISTS "${PROJECT_SOURCE_DIR}/.git")
            execute_process(COMMAND "${MUSTER_GIT}" -C "${PROJECT_SOURCE_DIR}" log -1 --format=%ct
                            OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        endif()
    endif()
    if(NOT date MATCHES "^[0-9]+$")
        file(TIMESTAMP "${PROJECT_SOURCE_DIR}/CHANGELOG.md" date "%s" UTC)
    endif()
    set(${out} "${date}" PARENT_SCOPE)
endfunction()

muster_build_date(MUSTER_BUILT)
