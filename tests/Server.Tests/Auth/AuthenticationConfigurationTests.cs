using Hanbae.Server.Auth.Configuration;

namespace Hanbae.Server.Tests.Auth;

/// <summary>What may stand in an authentication configuration, and what upstream says of what may not.</summary>
public sealed class AuthenticationConfigurationTests
{
    const string Head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";

    static string Jwt(string issuer = "url: https://a.example.com, audiences: [x]", string mappings = "username: {claim: sub, prefix: ''}", string more = "") =>
        $"{Head}jwt:\n- issuer: {{{issuer}}}\n  claimMappings: {{{mappings}}}\n{more}";

    static string Wrong(string yaml) => Assert.Throws<FormatException>(() => AuthenticationConfiguration.Parse(yaml, "https://kubernetes.default.svc")).Message;

    [Fact]
    public void A_file_without_anything_is_right() => Assert.Empty(AuthenticationConfiguration.Parse(Head).Jwt);

    [Theory]
    [InlineData("url: http://a.example.com, audiences: [x]", "jwt[0].issuer.url: Invalid value: \"http://a.example.com\": URL scheme must be https")]
    [InlineData("url: https://u:p@a.example.com, audiences: [x]", "jwt[0].issuer.url: Invalid value: \"https://u:p@a.example.com\": URL must not contain a username or password")]
    [InlineData("url: https://a.example.com?q=1, audiences: [x]", "jwt[0].issuer.url: Invalid value: \"https://a.example.com?q=1\": URL must not contain a query")]
    [InlineData("url: 'https://a.example.com#f', audiences: [x]", "jwt[0].issuer.url: Invalid value: \"https://a.example.com#f\": URL must not contain a fragment")]
    [InlineData("url: https://kubernetes.default.svc, audiences: [x]", "jwt[0].issuer.url: Invalid value: \"https://kubernetes.default.svc\": URL must not overlap with disallowed issuers: [https://kubernetes.default.svc]")]
    [InlineData("audiences: [x]", "jwt[0].issuer.url: Required value: URL is required")]
    [InlineData("url: https://a.example.com", "jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required")]
    [InlineData("url: https://a.example.com, audiences: [x, z]", "jwt[0].issuer.audienceMatchPolicy: Invalid value: \"\": audienceMatchPolicy must be MatchAny for multiple audiences")]
    [InlineData("url: https://a.example.com, audiences: [x], audienceMatchPolicy: All", "jwt[0].issuer.audienceMatchPolicy: Invalid value: \"All\": audienceMatchPolicy must be empty or MatchAny for single audience")]
    [InlineData("url: https://a.example.com, audiences: [x, x], audienceMatchPolicy: MatchAny", "jwt[0].issuer.audiences[1]: Duplicate value: \"x\"")]
    [InlineData("url: https://a.example.com, discoveryURL: https://a.example.com/, audiences: [x]", "jwt[0].issuer.discoveryURL: Invalid value: \"https://a.example.com/\": discoveryURL must be different from URL")]
    [InlineData("url: https://a.example.com, certificateAuthority: nothing, audiences: [x]", "jwt[0].issuer.certificateAuthority: Invalid value: \"<omitted>\": data does not contain any valid RSA or ECDSA certificates")]
    [InlineData("url: https://a.example.com, audience: [x]", "strict decoding error: unknown field \"jwt[0].issuer.audience\"")]
    public void Issuers_are_checked(string issuer, string message) => Assert.Equal(message, Wrong(Jwt(issuer)));

    [Theory]
    [InlineData("username: {claim: sub}", "jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing")]
    [InlineData("username: {claim: sub, expression: claims.sub}", "jwt[0].claimMappings.username: Invalid value: \"\": claim and expression can't both be set")]
    [InlineData("groups: {claim: g, prefix: ''}", "jwt[0].claimMappings.username: Required value: claim or expression is required")]
    [InlineData("username: {expression: claims.sub, prefix: x}", "jwt[0].claimMappings.username.prefix: Invalid value: \"x\": prefix can't be set when expression is set")]
    [InlineData("username: {expression: claims.email}", "jwt[0].claimMappings.username.expression: Invalid value: \"claims.email\": claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression")]
    [InlineData("username: {claim: sub, prefix: ''}, uid: {claim: a, expression: b}", "jwt[0].claimMappings.uid: Invalid value: \"\": claim and expression can't both be set")]
    [InlineData("username: {claim: sub, prefix: ''}, extra: [{key: plain, valueExpression: claims.a}]", "jwt[0].claimMappings.extra[0].key: Invalid value: \"plain\": must be a domain-prefixed path (such as \"acme.io/foo\")")]
    [InlineData("username: {claim: sub, prefix: ''}, extra: [{key: a.io/Foo, valueExpression: claims.a}]", "jwt[0].claimMappings.extra[0].key: Invalid value: \"a.io/Foo\": must be lowercase")]
    [InlineData("username: {claim: sub, prefix: ''}, extra: [{key: x.k8s.io/foo, valueExpression: claims.a}]", "jwt[0].claimMappings.extra[0].key: Invalid value: \"x.k8s.io/foo\": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use")]
    [InlineData("username: {claim: sub, prefix: ''}, extra: [{key: a.io/foo}]", "jwt[0].claimMappings.extra[0].valueExpression: Required value: valueExpression is required")]
    public void Mappings_are_checked(string mappings, string message) => Assert.Equal(message, Wrong(Jwt(mappings: mappings)));

    [Theory]
    [InlineData("claimValidationRules: [{claim: a, expression: b}]", "jwt[0].claimValidationRules[0]: Invalid value: \"a\": claim and expression can't both be set")]
    [InlineData("claimValidationRules: [{message: b}]", "jwt[0].claimValidationRules[0]: Required value: claim or expression is required")]
    [InlineData("claimValidationRules: [{claim: a, message: b}]", "jwt[0].claimValidationRules[0].message: Invalid value: \"b\": message can't be set when claim is set")]
    [InlineData("claimValidationRules: [{claim: a}, {claim: a}]", "jwt[0].claimValidationRules[1].claim: Duplicate value: \"a\"")]
    [InlineData("claimValidationRules: [{expression: claims.sub, requiredValue: x}]", "[jwt[0].claimValidationRules[0].requiredValue: Invalid value: \"x\": requiredValue can't be set when expression is set, jwt[0].claimValidationRules[0].expression: Invalid value: \"claims.sub\": must evaluate to bool]")]
    [InlineData("userValidationRules: [{message: x}]", "jwt[0].userValidationRules[0].expression: Required value: expression is required")]
    [InlineData("userValidationRules: [{expression: user.username}]", "jwt[0].userValidationRules[0].expression: Invalid value: \"user.username\": must evaluate to bool")]
    public void Rules_are_checked(string rules, string message) => Assert.Equal(message, Wrong(Jwt(more: "  " + rules + "\n")));

    [Fact]
    public void An_expression_that_does_not_compile_says_where() =>
        Assert.StartsWith("jwt[0].userValidationRules[0].expression: Invalid value: \"user.nobody == 'x'\": compilation failed: ERROR: <input>:1:5: undefined field 'nobody'", Wrong(Jwt(more: "  userValidationRules: [{expression: \"user.nobody == 'x'\"}]\n")));

    [Fact]
    public void Issuers_stand_there_once() =>
        Assert.Equal("jwt[1].issuer.url: Duplicate value: \"https://a.example.com\"", Wrong(Jwt() + Jwt()[(Head.Length + 5)..]));

    [Theory]
    [InlineData("apiVersion: v1\nkind: Pod\n", "no kind \"Pod\" is registered for version \"v1\"; want AuthenticationConfiguration of apiserver.config.k8s.io/v1")]
    [InlineData(Head + "jwt: 7\n", "jwt: must be a list of objects")]
    [InlineData(Head + "anonymous: {enabled: false, conditions: [{path: /livez}]}\n", "anonymous.conditions: Invalid value: [{\"path\":\"/livez\"}]: enabled should be set to true when conditions are defined")]
    public void The_file_is_checked(string yaml, string message) => Assert.Equal(message, Wrong(yaml));
}
