-- A quote ', a backslash \ and "double" quotes survive embedding; so does ${NOT_A_VARIABLE} and a;semicolon;list.
CREATE TABLE shelves (id bigint PRIMARY KEY, label text NOT NULL DEFAULT 'a\b;c[d]${e}');
