using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Api.Tests.Json;

public sealed class JsonParserTests
{
    [Theory]
    [InlineData("""{"a":1,"b":[true,false,null],"c":{"d":"e"}}""")]
    [InlineData("""[]""")]
    [InlineData("""{}""")]
    [InlineData("""[1.0,1e3,-0.5,12345678901234567890,9223372036854775807,-9223372036854775808]""")]
    [InlineData("""{"z":1,"a":{"y":2,"b":3}}""")]
    [InlineData("""["\u003c\u003e\u0026\u2028\u2029\b\f\n\r\t\"\\","\u0001","日本 🚢"]""")]
    public void What_was_written_is_written_again(string text) => Assert.Equal(text, JsonValue.Parse(text).ToString());

    [Theory]
    [InlineData("", "unexpected end of JSON input")]
    [InlineData("{", "unexpected end of JSON input")]
    [InlineData("""{"a":""", "unexpected end of JSON input")]
    [InlineData("\"abc", "unexpected end of JSON input")]
    [InlineData("[1,", "unexpected end of JSON input")]
    [InlineData("-", "unexpected end of JSON input")]
    [InlineData("x", "invalid character 'x' looking for beginning of value")]
    [InlineData("'a'", "invalid character '\\'' looking for beginning of value")]
    [InlineData("[1,]", "invalid character ']' looking for beginning of value")]
    [InlineData("""{"a":1,}""", "invalid character '}' looking for beginning of object key string")]
    [InlineData("{a:1}", "invalid character 'a' looking for beginning of object key string")]
    [InlineData("""{"a" 1}""", "invalid character '1' after object key")]
    [InlineData("""{"a":1 "b":2}""", "invalid character '\"' after object key:value pair")]
    [InlineData("[1 2]", "invalid character '2' after array element")]
    [InlineData("{} {}", "invalid character '{' after top-level value")]
    [InlineData("01", "invalid character '1' after top-level value")]
    [InlineData("-a", "invalid character 'a' in numeric literal")]
    [InlineData("1.a", "invalid character 'a' after decimal point in numeric literal")]
    [InlineData("1ea", "invalid character 'a' in exponent of numeric literal")]
    [InlineData("tru!", "invalid character '!' in literal true (expecting 'e')")]
    [InlineData("\"a\nb\"", "invalid character '\\n' in string literal")]
    [InlineData("\"\\x\"", "invalid character 'x' in string escape code")]
    [InlineData("\"\\u00g0\"", "invalid character 'g' in \\u hexadecimal character escape")]
    [InlineData("1e999", "json: cannot unmarshal number 1e999 into Go value of type float64")]
    public void A_mistake_is_reported_in_Gos_words(string text, string message) =>
        Assert.Equal(message, Assert.Throws<JsonSyntaxException>(() => JsonValue.Parse(text)).Message);

    [Fact]
    public void Repeated_names_are_reported_by_path_and_the_last_value_wins()
    {
        var duplicates = new List<string>();
        var value = JsonParser.Parse("""{"spec":{"foo":1,"foo":2,"foo":3,"c":[{"n":1},{"n":1,"n":2}]},"spec2":{}}"""u8, duplicates);
        Assert.Equal(["spec.foo", "spec.c[1].n"], duplicates);
        Assert.Equal("""{"spec":{"foo":3,"c":[{"n":1},{"n":2}]},"spec2":{}}""", value.ToString());
    }

    [Fact]
    public void Repeated_names_are_found_in_large_objects_too()
    {
        var text = new StringBuilder("{");
        for (int i = 0; i < 100; i++) text.Append($"\"k{i}\":{i},");
        text.Append("\"k7\":-7}");
        var duplicates = new List<string>();
        var value = (JsonObject)JsonParser.Parse(Encoding.UTF8.GetBytes(text.ToString()), duplicates);
        Assert.Equal(["k7"], duplicates);
        Assert.Equal(100, value.Count);
        Assert.Equal(-7, ((JsonNumber)value["k7"]!).Int64);
        Assert.Equal(99, ((JsonNumber)value["k99"]!).Int64);
    }

    [Fact]
    public void Depth_is_bounded_and_the_bound_itself_is_allowed()
    {
        string Nested(int depth) => new string('[', depth) + new string(']', depth);
        Assert.Equal(Nested(JsonParser.MaxDepth), JsonValue.Parse(Nested(JsonParser.MaxDepth)).ToString());
        Assert.Equal("exceeded max depth", Assert.Throws<JsonSyntaxException>(() => JsonValue.Parse(Nested(JsonParser.MaxDepth + 1))).Message);
        Assert.Equal("1", JsonValue.Parse("1").ToString());
    }

    [Fact]
    public void Broken_text_becomes_the_replacement_character()
    {
        Assert.Equal("a\uFFFDb", ((JsonString)JsonParser.Parse([(byte)'"', (byte)'a', 0xff, (byte)'b', (byte)'"'])).Value);
        Assert.Equal("\uFFFDx", ((JsonString)JsonValue.Parse("\"\\ud800x\"")).Value);
        Assert.Equal("🚢", ((JsonString)JsonValue.Parse("\"\\ud83d\\udea2\"")).Value);
    }

    [Fact]
    public void Integers_that_fit_are_integers_and_all_else_is_a_double()
    {
        Assert.True(((JsonNumber)JsonValue.Parse("9223372036854775807")).IsInteger);
        Assert.False(((JsonNumber)JsonValue.Parse("9223372036854775808")).IsInteger);
        Assert.False(((JsonNumber)JsonValue.Parse("1.0")).IsInteger);
        Assert.Equal(long.MinValue, ((JsonNumber)JsonValue.Parse("-9223372036854775808")).Int64);
    }

    [Fact]
    public void After_a_mistake_the_next_document_reads_cleanly()
    {
        Assert.Throws<JsonSyntaxException>(() => JsonValue.Parse("""{"a":[1,2,{"b":"""));
        Assert.Equal("""{"x":[3]}""", JsonValue.Parse("""{"x":[3]}""").ToString());
    }

    /// <summary>Random documents survive, whatever their shape, and an edited document never crashes the reader.</summary>
    [Fact]
    public void Random_documents_survive_and_random_damage_is_an_error_or_a_document()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < 500; i++)
        {
            var value = RandomJson.Value(random, 4);
            byte[] bytes = value.ToUtf8();
            Assert.True(value.Equals(JsonParser.Parse(bytes)), $"seed {seed}: {value}");
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try { JsonParser.Parse(bytes); }
            catch (JsonSyntaxException) { }
        }
    }
}
