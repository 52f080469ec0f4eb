namespace Hanbae.Api.Tests.Meta;

public sealed class IntOrStringTests
{
    [Theory]
    [InlineData("25%", 10, true, 3)]
    [InlineData("25%", 10, false, 2)]
    [InlineData("100%", 7, true, 7)]
    [InlineData("0%", 7, true, 0)]
    [InlineData("200%", 4, false, 8)]
    public void A_percentage_is_of_the_total_rounded_as_asked(string text, int total, bool up, int scaled) =>
        Assert.Equal(scaled, new IntOrString(text).GetScaledValue(total, up));

    [Fact]
    public void An_int_is_itself_whatever_the_total() => Assert.Equal(5, new IntOrString(5).GetScaledValue(100, true));

    [Theory]
    [InlineData("5", "invalid value for IntOrString: invalid type: string is not a percentage")]
    [InlineData("x%", "invalid value for IntOrString: invalid value \"x%\": strconv.Atoi: parsing \"x\": invalid syntax")]
    public void Another_string_is_refused(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => new IntOrString(text).GetScaledValue(1, true)).Message);

    [Fact]
    public void Text_that_is_a_number_parses_as_one()
    {
        Assert.Equal(new IntOrString(80), IntOrString.Parse("80"));
        Assert.Equal(new IntOrString("http"), IntOrString.Parse("http"));
        Assert.NotEqual(new IntOrString("80"), new IntOrString(80));
        Assert.Equal("80", default(IntOrString) == 0 ? new IntOrString(80).ToString() : "");
    }
}
