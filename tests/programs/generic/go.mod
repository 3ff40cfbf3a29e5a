module programs/generic

go 1.27
