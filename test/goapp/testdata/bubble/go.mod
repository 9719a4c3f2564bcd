module example.com/bubble

go 1.24
