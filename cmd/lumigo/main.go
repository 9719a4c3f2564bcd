package main

import "os"

func main() {
	if calledGo() {
		os.Exit(beGo(os.Args[1:]))
	}
	os.Exit(command(os.Args[1:]))
}
