// The grammar of expressions, loosest level first. Every token takes the blanks behind it.
#pragma once

#include <tao/pegtl.hpp>
#include <tao/pegtl/contrib/limit_depth.hpp>
#include <tao/pegtl/contrib/uint8.hpp>

#include "surd/expression/tree.hpp"

namespace surd::expression::detail::grammar {

using namespace tao::pegtl;

struct blanks : star<space> {};
/// Letters, digits, _ and everything beyond ASCII.
struct word_start : sor<alpha, one<'_'>, uint8::range<0x80, 0xFF>> {};
struct word_char : sor<word_start, digit> {};
struct word_end : not_at<word_char> {};
struct word : seq<word_start, star<word_char>> {};

template <class Keyword>
struct key : seq<Keyword, word_end, blanks> {};
struct key_or : key<string<'o', 'r'>> {};
struct key_and : key<string<'a', 'n', 'd'>> {};
struct key_not : key<string<'n', 'o', 't'>> {};
struct key_in : key<string<'i', 'n'>> {};
struct key_true : key<string<'t', 'r', 'u', 'e'>> {};
struct key_false : key<string<'f', 'a', 'l', 's', 'e'>> {};
struct key_is : key<string<'i', 's'>> {};
struct key_null : key<string<'n', 'u', 'l', 'l'>> {};
struct key_like : key<string<'l', 'i', 'k', 'e'>> {};
/// Words that cannot be names. is, null and like can: where they are operators, no name may stand.
struct keyword : sor<key_or, key_and, key_not, key_in, key_true, key_false> {};

template <char... Characters>
struct sign : seq<string<Characters...>, blanks> {};
struct times_sign : seq<one<'*'>, not_at<one<'*'>>, blanks> {};

/// An operator and its right operand; the left one is there already.
template <Kind, class Operator, class Operand>
struct tail : if_must<Operator, Operand> {};
/// An operator behind its operand.
template <Kind, class Operator>
struct postfix : seq<Operator> {};
/// An operator before its operand.
template <Kind, class Operator, class Operand>
struct prefix : if_must<Operator, Operand> {};

struct disjunction;
struct unary;

// Literals and names.
struct digits : plus<digit> {};
struct exponent : seq<one<'e', 'E'>, opt<one<'+', '-'>>, digits> {};
struct number_text : seq<sor<seq<digits, opt<one<'.'>, star<digit>>>, seq<one<'.'>, digits>>, opt<exponent>> {
};
struct number : seq<number_text, must<word_end>, blanks> {};
template <char Quote>
struct text_body : star<sor<seq<one<'\\'>, any>, not_one<Quote, '\\'>>> {};
template <char Quote>
struct text_end : one<Quote> {};
template <char Quote>
struct text : seq<if_must<one<Quote>, text_body<Quote>, text_end<Quote>>, blanks> {};
struct plain_name : seq<not_at<keyword>, word> {};
struct quoted_name : plus<not_one<'`'>> {};
struct backquote : one<'`'> {};
struct close_backquote : one<'`'> {};
struct variable_name : seq<plain_name> {};
struct name : sor<seq<variable_name, blanks>, if_must<backquote, quoted_name, close_backquote, blanks>> {};

// Lists and calls: `open` remembers where the items begin.
struct comma : sign<','> {};
struct open_list : sign<'['> {};
struct close_list : sign<']'> {};
struct items : list_must<disjunction, comma> {};
struct bracketed : if_must<open_list, items, close_list> {};
struct function_name : seq<plain_name, at<blanks, one<'('>>> {};
struct open_group : sign<'('> {};
struct close_group : sign<')'> {};
struct call : if_must<function_name, blanks, open_group, items, close_group> {};
struct group : if_must<open_group, disjunction, close_group> {};

struct primary : sor<number, text<'\''>, text<'"'>, key_true, key_false, call, name, group> {};

// Operators.
struct power : seq<primary, opt<tail<Kind::power, sign<'*', '*'>, unary>>> {};
struct unary_plus : if_must<sign<'+'>, unary> {};
struct unary : sor<prefix<Kind::negate, sign<'-'>, unary>, unary_plus, power> {};
struct product
    : seq<unary, star<sor<tail<Kind::multiply, times_sign, unary>, tail<Kind::divide, sign<'/'>, unary>,
                          tail<Kind::remainder, sign<'%'>, unary>>>> {};
struct sum
    : seq<product, star<sor<tail<Kind::add, sign<'+'>, product>, tail<Kind::subtract, sign<'-'>, product>>>> {
};
struct key_not_in : seq<key_not, key_in> {};
struct key_not_like : seq<key_not, key_like> {};
struct must_null : seq<key_null> {};
struct is_not_null : seq<key_is, key_not, must<must_null>> {};
struct is_null : seq<key_is, must<must_null>> {};
struct assignment : seq<one<'='>, not_at<one<'='>>> {};
struct no_assignment : not_at<assignment> {};
struct comparison_tail
    : sor<tail<Kind::equal, sign<'=', '='>, sum>, tail<Kind::not_equal, sign<'!', '='>, sum>,
          tail<Kind::less_equal, sign<'<', '='>, sum>, tail<Kind::less, sign<'<'>, sum>,
          tail<Kind::greater_equal, sign<'>', '='>, sum>, tail<Kind::greater, sign<'>'>, sum>,
          tail<Kind::in, key_in, bracketed>, tail<Kind::not_in, key_not_in, bracketed>,
          tail<Kind::like, key_like, sum>, tail<Kind::not_like, key_not_like, sum>,
          postfix<Kind::is_not_null, is_not_null>, postfix<Kind::is_null, is_null>> {};
struct no_chain : not_at<sor<sign<'=', '='>, sign<'!', '='>, sign<'<'>, sign<'>'>, key_in, key_not_in, key_is,
                             key_like, key_not_like>> {};
struct comparison : seq<sum, must<no_assignment>, opt<comparison_tail, must<no_chain>>> {};
struct inversion : sor<prefix<Kind::logical_not, key_not, inversion>, comparison> {};
struct conjunction : seq<inversion, star<tail<Kind::logical_and, key_and, inversion>>> {};
struct disjunction : seq<conjunction, star<tail<Kind::logical_or, key_or, conjunction>>> {};
struct end : eof {};
struct whole : must<blanks, disjunction, end> {};

}  // namespace surd::expression::detail::grammar
