// Runs SQL statements in DuckDB on one thread: node duckdb.mjs MEMORY TEMP_DIRECTORY SQL... Prints the last
// statement's rows as JSON. Needs `npm install @duckdb/node-api` in the working directory.
import {createRequire} from 'node:module';
const {DuckDBInstance} = createRequire(process.cwd() + '/')('@duckdb/node-api');
const [memory, temporary, ...statements] = process.argv.slice(2);
const instance = await DuckDBInstance.create(
    ':memory:', {threads: '1', memory_limit: memory, temp_directory: temporary, preserve_insertion_order: 'false'});
const connection = await instance.connect();
let rows = [];
for (const sql of statements) rows = (await connection.runAndReadAll(sql)).getRows();
console.log(JSON.stringify(rows, (_, value) => typeof value === 'bigint' ? value.toString() : value));
