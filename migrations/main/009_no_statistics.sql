-- +goose Up
-- A query has one plan, the one that is tested (db/plan_test.go): no statistics of what a table holds.
DROP TABLE IF EXISTS sqlite_stat1;
