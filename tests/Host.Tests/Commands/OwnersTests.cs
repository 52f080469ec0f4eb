using Hanbae.Host.Commands;

namespace Hanbae.Host.Tests.Commands;

public sealed class OwnersTests
{
    static readonly string[] s_passwords = ["root:x:0:0:root:/root:/bin/bash", "ann:x:1000:1000:Ann,,,:/home/ann:/bin/sh", "odd"];

    [Theory]
    [InlineData(false, null, "/var/lib/hanbae", ", but one of root's in /var/lib/hanbae: type the same again with sudo in front")]
    [InlineData(false, null, "/elsewhere", "")]
    [InlineData(true, "ann", "/home/ann/.hanbae", ", but one of ann's in /home/ann/.hanbae: type the same again without sudo")]
    [InlineData(true, "ann", "/home/bob/.hanbae", "")]
    [InlineData(true, "nobody-known", "/home/ann/.hanbae", "")]
    [InlineData(true, null, "/var/lib/hanbae", "")]
    public void Who_has_none_is_led_to_the_one_made_with_sudo_or_without(bool root, string? user, string there, string told) =>
        Assert.Equal(told, Owners.Elsewhere(root, user, file => file == there + "/.hanbae-node", () => s_passwords));

    [Fact]
    public void Whoever_came_with_sudo_is_told_how_to_do_without()
    {
        Assert.Equal(["export KUBECONFIG=/d/kubeconfig"], Owners.Kubeconfig("/d/kubeconfig", user: null));
        Assert.Equal(["sudo install -o ann -m 600 /d/kubeconfig ~/hanbae.kubeconfig", "export KUBECONFIG=~/hanbae.kubeconfig"], Owners.Kubeconfig("/d/kubeconfig", "ann"));
    }
}
