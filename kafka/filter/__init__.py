"""Which records are meant: conditions on key, headers and value, in searches and in jobs. Free of Kafka's client.

conditions          Filter: what is asked, and what becomes of each record
expression          JMESPath over a value: checked before it is accepted, evaluated within a budget
expression_checks   what an expression is refused for
interpreter         evaluates one
corrected           what an expression was probably meant to be
errors              ExpressionRefused
"""
