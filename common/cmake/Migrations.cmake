# tw_embed_migrations(target folder function): adds to the target a source, made at build time, that defines
#   absl::Span<const tokenwatch::common::Migration> <function>();
# with the files V001__name.sql of the folder. `function` is qualified, as tokenwatch::worker::Migrations; declare it where
# it is used, with common/postgres/migration.h.
set(TW_EMBED_MIGRATIONS_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/EmbedMigrations.cmake")

function(tw_embed_migrations target folder function)
  get_filename_component(folder "${folder}" ABSOLUTE)
  file(GLOB files CONFIGURE_DEPENDS "${folder}/*.sql")
  set(output "${CMAKE_CURRENT_BINARY_DIR}/${target}_migrations.cc")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DFOLDER=${folder}" "-DFUNCTION=${function}" "-DOUTPUT=${output}"
            -P "${TW_EMBED_MIGRATIONS_SCRIPT}"
    DEPENDS ${files} "${TW_EMBED_MIGRATIONS_SCRIPT}"
    COMMENT "Embedding the migrations of ${folder}"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
