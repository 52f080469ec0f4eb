namespace Hanbae.Api.Tests.Meta;

public sealed class SelectorTests
{
    static readonly Dictionary<string, string> _labels = new() { ["app"] = "web", ["tier"] = "front", ["weight"] = "5", ["empty"] = "", ["in"] = "notin" };

    [Theory]
    [InlineData("", "", true)]
    [InlineData("app=web", "app=web", true)]
    [InlineData("app==web", "app==web", true)]
    [InlineData(" app = web ", "app=web", true)]
    [InlineData("app!=web", "app!=web", false)]
    [InlineData("missing!=web", "missing!=web", true)]
    [InlineData("app in (web, api)", "app in (api,web)", true)]
    [InlineData("app notin (web)", "app notin (web)", false)]
    [InlineData("missing notin (a)", "missing notin (a)", true)]
    [InlineData("missing in (a)", "missing in (a)", false)]
    [InlineData("app", "app", true)]
    [InlineData("!app", "!app", false)]
    [InlineData("!missing", "!missing", true)]
    [InlineData("weight>4", "weight>4", true)]
    [InlineData("weight>5", "weight>5", false)]
    [InlineData("weight<6", "weight<6", true)]
    [InlineData("app>4", "app>4", false)]
    [InlineData("missing<4", "missing<4", false)]
    [InlineData("tier=front,app=web", "app=web,tier=front", true)]
    [InlineData("tier=front,app=api", "app=api,tier=front", false)]
    [InlineData("empty=", "empty=", true)]
    [InlineData("empty in ()", "empty in ()", true)]
    [InlineData("empty in (,a)", "empty in (,a)", true)]
    [InlineData("empty=,app=web", "app=web,empty=", true)]
    [InlineData("in in (in,notin)", "in in (in,notin)", true)]
    [InlineData("in=notin", "in=notin", true)]
    [InlineData("app in (a,,b)", "app in (,a,b)", false)]
    public void The_query_selects_and_prints_canonically(string text, string canonical, bool matches)
    {
        var selector = Selector.Parse(text);
        Assert.Equal(canonical, selector.ToString());
        Assert.Equal(matches, selector.Matches(_labels));
        Assert.Equal(matches, selector.Matches(new Labels(_labels)));
        Assert.Equal(canonical, Selector.Parse(canonical).ToString());
    }

    [Theory]
    [InlineData("app=a=b", "found '=', expected: ',' or 'end of string'")]
    [InlineData("=web", "found '=', expected: !, identifier, or 'end of string'")]
    [InlineData("app=web,", "found '', expected: identifier after ','")]
    [InlineData("app,,b", "found ',', expected: identifier after ','")]
    [InlineData("app in web", "unable to parse requirement: found 'web' expected: '('")]
    [InlineData("app in (web", "unable to parse requirement: found '', expected: ',' or ')'")]
    [InlineData("app in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier")]
    [InlineData("app web", "unable to parse requirement: found 'web', expected: in, notin, =, ==, !=, gt, lt")]
    [InlineData("!", "unable to parse requirement: found '', expected: identifier")]
    [InlineData("app=(", "unable to parse requirement: found '(', expected: identifier")]
    [InlineData("weight>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer")]
    [InlineData("app=a*", "unable to parse requirement: values[0][app]: Invalid value: \"a*\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')")]
    [InlineData("-app=a", "unable to parse requirement: <nil>: Invalid value: \"-app\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')")]
    [InlineData("/app=a", "unable to parse requirement: <nil>: Invalid value: \"/app\": prefix part must be non-empty")]
    public void A_wrong_query_is_refused_in_upstreams_words(string text, string message) =>
        Assert.Equal(message, Assert.Throws<SelectorFormatException>(() => Selector.Parse(text)).Message);

    [Fact]
    public void The_structured_form_is_all_of_its_labels_and_expressions()
    {
        var selector = Selector.From([new("app", "web")], [("tier", "In", ["front", "back"]), ("missing", "DoesNotExist", [])]);
        Assert.Equal("app=web,!missing,tier in (back,front)", selector.ToString());
        Assert.True(selector.Matches(_labels));
        Assert.True(Selector.From([], []).IsEmpty);
        Assert.Equal("\"Like\" is not a valid label selector operator",
            Assert.Throws<SelectorFormatException>(() => Selector.From([], [("a", "Like", [])])).Message);
        Assert.Throws<SelectorFormatException>(() => Selector.From([], [("a", "In", [])]));
        Assert.Throws<SelectorFormatException>(() => Selector.From([], [("a", "Exists", ["x"])]));
    }

    [Fact]
    public void Nothing_matches_nothing_and_everything_everything()
    {
        Assert.False(Selector.Nothing.Matches(_labels));
        Assert.False(Selector.Nothing.IsEmpty);
        Assert.True(Selector.Everything.Matches(_labels));
        Assert.True(Selector.Nothing.And(Selector.Everything).MatchesNothing);
    }

    [Fact]
    public void An_exact_requirement_can_be_found_for_an_index()
    {
        Assert.True(Selector.Parse("app=web,tier!=x").RequiresExactly("app", out string? app));
        Assert.Equal("web", app);
        Assert.True(Selector.Parse("app in (web)").RequiresExactly("app", out _));
        Assert.False(Selector.Parse("app in (web,api)").RequiresExactly("app", out _));
        Assert.False(Selector.Parse("app!=web").RequiresExactly("app", out _));
    }

    readonly struct Labels(Dictionary<string, string> labels) : ILabels
    {
        public bool TryGet(string key, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out string value) => labels.TryGetValue(key, out value);
    }
}
