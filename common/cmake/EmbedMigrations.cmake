# Run with cmake -P: writes OUTPUT, a .cc whose FUNCTION yields the files V<number>__<name>.sql of FOLDER in order.
cmake_minimum_required(VERSION 3.25)

file(GLOB files LIST_DIRECTORIES false "${FOLDER}/*.sql")
list(SORT files COMPARE NATURAL)
if(NOT files)
  message(FATAL_ERROR "${FOLDER} holds no migration")
endif()

string(REGEX REPLACE "::[A-Za-z0-9_]+$" "" namespace "${FUNCTION}")
string(REGEX REPLACE "^.*::" "" function "${FUNCTION}")
set(rows "")
set(versions "")
foreach(file ${files})
  get_filename_component(name "${file}" NAME)
  if(NOT name MATCHES "^V0*([1-9][0-9]*)__[a-z0-9_]+\\.sql$")
    message(FATAL_ERROR "${file}: name a migration like V001__what_it_does.sql")
  endif()
  set(version ${CMAKE_MATCH_1})
  if(version IN_LIST versions)
    message(FATAL_ERROR "${file}: there is another migration of number ${version}")
  endif()
  list(APPEND versions ${version})
  file(READ "${file}" sql)
  string(APPEND rows "    {${version}, \"${name}\", R\"_migration_(${sql})_migration_\"},\n")
endforeach()

file(WRITE "${OUTPUT}" "// Made from the files of ${FOLDER}.
#include \"common/postgres/migration.h\"

namespace ${namespace} {

absl::Span<const tokenwatch::common::Migration> ${function}();

absl::Span<const tokenwatch::common::Migration> ${function}() {
  static const tokenwatch::common::Migration kMigrations[] = {
${rows}  };
  return kMigrations;
}

}  // namespace ${namespace}
")
