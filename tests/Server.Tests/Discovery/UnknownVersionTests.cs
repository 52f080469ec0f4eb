namespace Hanbae.Server.Tests.Discovery;

/// <summary>What is asked of a version or resource that is not served: clients tell by the answer whether to try another.</summary>
public sealed class UnknownVersionTests
{
    /// <remarks>kubectl 1.27's whoami tries two versions that are gone, and takes anything but not found for a failure.</remarks>
    [Theory]
    [InlineData("POST", "/apis/authentication.k8s.io/v1beta1/selfsubjectreviews", true)]
    [InlineData("POST", "/apis/apps/v9/namespaces/default/deployments", true)]
    [InlineData("GET", "/apis/apps/v9/deployments", true)]
    [InlineData("GET", "/apis/apps/v9", true)]
    [InlineData("GET", "/api/v2/pods", true)]
    [InlineData("DELETE", "/api/v1/nothings", true)]
    [InlineData("POST", "/apis/example.com/v1/things", false)]
    [InlineData("GET", "/apis/example.com", false)]
    [InlineData("PUT", "/nothing", false)]
    public async Task Nothing_there_is_not_found_whatever_the_verb(string verb, string path, bool known)
    {
        await using var rig = await Crd.CrdRig.StartAsync();
        var answer = await rig.Test.SendAsync(verb, path, verb is "POST" or "PUT" ? "{}" : null);
        Assert.Equal(404, answer.Code);
        if (known) Assert.Equal(("Status", "NotFound", "the server could not find the requested resource"), (answer.Text("kind"), answer.Text("reason"), answer.Message));
        else Assert.Equal("404 page not found\n", answer.Body);
    }

    [Theory]
    [InlineData("POST", "/apis/apps/v1")]
    [InlineData("DELETE", "/api")]
    public async Task What_is_there_to_be_read_only_is_not_allowed(string verb, string path)
    {
        await using var rig = await Crd.CrdRig.StartAsync();
        Assert.Equal((405, "MethodNotAllowed"), (await rig.Test.SendAsync(verb, path, verb == "POST" ? "{}" : null)) is var a ? (a.Code, a.Text("reason")) : default);
    }
}
