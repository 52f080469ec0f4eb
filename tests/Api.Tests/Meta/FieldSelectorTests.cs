namespace Hanbae.Api.Tests.Meta;

public sealed class FieldSelectorTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("metadata.name=a", "metadata.name=a", true)]
    [InlineData("metadata.name==a", "metadata.name=a", true)]
    [InlineData("metadata.name!=a", "metadata.name!=a", false)]
    [InlineData("status.phase=Running,metadata.name=a", "metadata.name=a,status.phase=Running", true)]
    [InlineData("missing=", "missing=", true)]
    [InlineData("missing!=", "missing!=", false)]
    [InlineData("odd=a\\,b\\=c\\\\d", "odd=a\\,b\\=c\\\\d", true)]
    [InlineData(",metadata.name=a,", "metadata.name=a", true)]
    public void The_query_selects_and_prints_canonically(string text, string canonical, bool matches)
    {
        var selector = FieldSelector.Parse(text);
        Assert.Equal(canonical, selector.ToString());
        Assert.Equal(matches, selector.Matches(field => field switch { "metadata.name" => "a", "status.phase" => "Running", "odd" => "a,b=c\\d", _ => null }));
    }

    [Theory]
    [InlineData("metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'")]
    [InlineData("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'")]
    [InlineData("a=b=c", "invalid field selector: unescaped character in value: 61")]
    [InlineData("a=b\\x", "invalid field selector: invalid escape sequence: \\x")]
    [InlineData("a=b\\", "invalid field selector: invalid escape sequence: \\")]
    public void A_wrong_query_is_refused_in_upstreams_words(string text, string message) =>
        Assert.Equal(message, Assert.Throws<SelectorFormatException>(() => FieldSelector.Parse(text)).Message);

    [Fact]
    public void An_exact_requirement_can_be_found_for_an_index_and_terms_can_be_renamed()
    {
        var selector = FieldSelector.Parse("spec.nodeName=n1,status.phase!=Failed");
        Assert.True(selector.RequiresExactly("spec.nodeName", out string? node));
        Assert.Equal("n1", node);
        Assert.False(selector.RequiresExactly("status.phase", out _));
        Assert.Equal("x.spec.nodeName=n1,x.status.phase!=Failed", selector.Transform(t => t with { Field = "x." + t.Field }).ToString());
    }
}
