module example.test/typed

go 1.19
