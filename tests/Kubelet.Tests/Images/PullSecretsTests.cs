using System.Text;
using Hanbae.Kubelet.Images;

namespace Hanbae.Kubelet.Tests.Images;

public sealed class PullSecretsTests
{
    [Theory]
    [InlineData("docker.io", "docker.io/library/busybox:1", true)]
    [InlineData("*.example.io", "eu.example.io/app:1", true)]
    [InlineData("*.example.io", "a.b.example.io/app:1", false)]
    [InlineData("example.io/team", "example.io/team/app:1", true)]
    [InlineData("example.io/team", "example.io/other/app:1", false)]
    [InlineData("example.io:5000", "example.io:5000/app:1", true)]
    public void A_login_is_for_its_host_and_path(string key, string image, bool matches) => Assert.Equal(matches, PullSecrets.Matches(key, image));

    [Fact]
    public void Dockers_file_is_read_in_both_its_ways_of_writing_a_login()
    {
        var found = PullSecrets.Read(Encoding.UTF8.GetBytes("""{"auths":{"https://index.docker.io/v1/":{"auth":"dTpwOnE="},"r.example":{"username":"a","password":"b"}}}"""), nested: true);
        Assert.Equal([("docker.io", "u", "p:q"), ("r.example", "a", "b")], found.Select(f => (f.Key, f.Login.Username, f.Login.Password)));
        Assert.Empty(PullSecrets.Read("[]"u8.ToArray(), nested: true));
    }
}
