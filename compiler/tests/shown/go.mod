module shown

go 1.19
