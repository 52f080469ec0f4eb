using System.Buffers;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Api.Tests.Json;

public sealed class JsonValueTests
{
    static JsonObject Object(string text) => (JsonObject)JsonValue.Parse(text);

    [Fact]
    public void The_order_of_members_does_not_matter_and_that_of_items_does()
    {
        Assert.Equal(JsonValue.Parse("""{"a":1,"b":{"c":2,"d":3}}"""), JsonValue.Parse("""{"b":{"d":3,"c":2},"a":1}"""));
        Assert.Equal(JsonValue.Parse("""{"a":1,"b":2}""").GetHashCode(), JsonValue.Parse("""{"b":2,"a":1}""").GetHashCode());
        Assert.NotEqual(JsonValue.Parse("[1,2]"), JsonValue.Parse("[2,1]"));
        Assert.NotEqual(JsonValue.Parse("""{"a":1}"""), JsonValue.Parse("""{"b":1}"""));
        Assert.NotEqual(JsonValue.Parse("""{"a":null}"""), JsonValue.Parse("{}"));
    }

    [Fact]
    public void An_int_and_a_float_are_two_values_and_one_number()
    {
        var one = (JsonNumber)JsonValue.Parse("1");
        var oneFloat = (JsonNumber)JsonValue.Parse("1.0");
        Assert.False(one.Equals(oneFloat));
        Assert.True(one.SameNumber(oneFloat));
        Assert.True(oneFloat.Equals(JsonValue.Parse("1.00")));
        // A double cannot tell these apart; the comparison must.
        Assert.Equal(-1, JsonNumber.Compare(JsonNumber.Of(long.MaxValue), JsonNumber.Of(9223372036854775808.0)));
        Assert.Equal(1, JsonNumber.Compare(JsonNumber.Of(9007199254740993), JsonNumber.Of(9007199254740992.0)));
        Assert.Equal(-1, JsonNumber.Compare(JsonNumber.Of(1), JsonNumber.Of(1.5)));
        Assert.Equal(1, JsonNumber.Compare(JsonNumber.Of(-1), JsonNumber.Of(-1.5)));
    }

    [Fact]
    public void A_member_is_set_in_its_place_or_at_the_end_and_the_original_stays()
    {
        var before = Object("""{"a":1,"b":2}""");
        Assert.Equal("""{"a":9,"b":2}""", before.With("a", 9).ToString());
        Assert.Equal("""{"a":1,"b":2,"c":3}""", before.With("c", 3).ToString());
        Assert.Equal("""{"b":2}""", before.Without("a").ToString());
        Assert.Same(before, before.Without("x"));
        Assert.Equal("""{"a":1,"b":2}""", before.ToString());
    }

    [Fact]
    public void A_large_object_finds_every_member_also_after_changes()
    {
        var builder = new JsonObjectBuilder();
        for (int i = 0; i < 200; i++) builder.Set("k" + i, i);
        for (int i = 0; i < 200; i += 3) Assert.True(builder.Remove("k" + i));
        Assert.False(builder.Remove("k0"));
        builder.Set("k0", "back");
        var built = builder.Build();
        Assert.Equal(builder.Count, built.Count);
        for (int i = 0; i < 200; i++)
            Assert.Equal(i % 3 != 0 || i == 0, built.Contains("k" + i));
        Assert.Equal("back", ((JsonString)built["k0"]!).Value);
        Assert.Equal(5L, ((JsonNumber)built.With("k1", 5).With("zz", 1)["k1"]!).Int64);
    }

    [Fact]
    public void Keys_can_be_sorted_at_every_depth()
    {
        var value = JsonValue.Parse("""{"b":{"z":1,"a":2},"a":[{"d":1,"c":2}],"B":0}""");
        Assert.Equal("""{"B":0,"a":[{"c":2,"d":1}],"b":{"a":2,"z":1}}""", Encoding.UTF8.GetString(value.ToUtf8(JsonStyle.SortKeys)));
    }

    [Theory]
    [InlineData("1.0", "1")]
    [InlineData("1e3", "1000")]
    [InlineData("1e20", "100000000000000000000")]
    [InlineData("1e21", "1e+21")]
    [InlineData("12345678901234567890", "12345678901234567000")]
    [InlineData("0.000001", "0.000001")]
    [InlineData("0.0000001", "1e-7")]
    [InlineData("1.5e-10", "1.5e-10")]
    [InlineData("-0.0", "-0")]
    [InlineData("0.1", "0.1")]
    [InlineData("123456.789", "123456.789")]
    [InlineData("1.7976931348623157e308", "1.7976931348623157e+308")]
    public void Doubles_can_be_printed_as_Go_prints_them(string literal, string printed) =>
        Assert.Equal(printed, Encoding.UTF8.GetString(JsonValue.Parse(literal).ToUtf8(JsonStyle.GoNumbers)));

    [Theory]
    [InlineData(1000000.5, "1.0000005e+06")]
    [InlineData(0.5, "0.5")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(123456.5, "123456.5")]
    public void Doubles_in_messages_are_Gos_shortest_g(double value, string printed) =>
        Assert.Equal(printed, GoFloat.ToString(value, GoFloat.Style.General));

    [Fact]
    public void Writing_to_a_buffer_writer_gives_the_same_bytes_as_writing_to_an_array()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < 100; i++)
        {
            var value = RandomJson.Value(random, 5);
            var writer = new ArrayBufferWriter<byte>();
            JsonPrinter.Write(value, writer, JsonStyle.SortKeys);
            Assert.True(writer.WrittenSpan.SequenceEqual(value.ToUtf8(JsonStyle.SortKeys)), $"seed {seed}");
            Assert.True(value.Equals(JsonParser.Parse(writer.WrittenSpan)), $"seed {seed}");
        }
    }
}
