using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Store;
using Hanbae.Store.Encryption;
using Hanbae.Store.Memory;

namespace Hanbae.Server.Tests.Encryption;

public sealed class RotationTests
{
    [Fact]
    public async Task Replacing_a_Secret_by_itself_encrypts_it_anew()
    {
        var (old, fresh) = (new AesGcmProvider("old", RandomNumberGenerator.GetBytes(32)), new AesGcmProvider("new", RandomNumberGenerator.GetBytes(32)));
        var rules = new EncryptionRules([new(["secrets"], new([old, new IdentityProvider()]))]);
        await using var inner = new MemoryStore();
        await using var server = new ApiServer(new EncryptedStore(inner, () => rules), new() { Authorizers = [new AlwaysAllow()] });
        async Task<Secret> SendAsync(string method, string path, Secret? body = null)
        {
            var result = await server.Transport.SendAsync(new() { Method = method, Path = path, Object = body, Identity = new("tester", []) }, CancellationToken.None);
            Assert.True(result.Code < 300);
            return (Secret)result.Object!;
        }
        async Task<string> KeptAsync() => Encoding.UTF8.GetString((await inner.GetAsync(new("/registry/secrets/default/s"), default))!.Value.Span);

        await SendAsync("POST", "/api/v1/namespaces/default/secrets", new() { Metadata = new() { Name = "s", Namespace = "default" }, Data = Map.Of(("password", Bytes.FromText("hunter2"))) });
        Assert.StartsWith("k8s:enc:aesgcm:v1:old:", await KeptAsync(), StringComparison.Ordinal);
        var read = await SendAsync("GET", "/api/v1/namespaces/default/secrets/s");
        Assert.Equal("hunter2", read.Data["password"].ToText());
        // Nothing changes, nothing is written.
        Assert.Equal(read.Metadata.ResourceVersion, (await SendAsync("PUT", "/api/v1/namespaces/default/secrets/s", read)).Metadata.ResourceVersion);

        rules = new([new(["secrets"], new([fresh, old]))]);
        var again = await SendAsync("PUT", "/api/v1/namespaces/default/secrets/s", read);
        Assert.NotEqual(read.Metadata.ResourceVersion, again.Metadata.ResourceVersion);
        Assert.StartsWith("k8s:enc:aesgcm:v1:new:", await KeptAsync(), StringComparison.Ordinal);
        Assert.Equal("hunter2", (await SendAsync("GET", "/api/v1/namespaces/default/secrets/s")).Data["password"].ToText());
    }
}
