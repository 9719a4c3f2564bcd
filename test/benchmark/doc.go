// Command benchmark measures what tracing costs, side by side with opentelemetry-python, in one run on one
// machine, and prints the ratios:
//
//	go run ./test/benchmark                       all of it, about five minutes
//	go run ./test/benchmark -only startup         or span, request, library, engine, memory, viewer
//	go run ./test/benchmark -json                 for programs
//	go run ./test/benchmark -python 3.12          another interpreter than 3.11
//
// What is measured, and how, is described in docs/benchmarks.md. Progress goes to standard error.
package main
