using System.Text;
using Hanbae.Server.Subresources.Kubelet;

namespace Hanbae.Server.Tests.Streaming;

public sealed class ProxyLinksTests
{
    static readonly ProxyLinks s_links = new("/api/v1/namespaces/n/pods/p/proxy", "10.0.0.1:80", "api:6443");

    [Theory]
    [InlineData("/x", "/api/v1/namespaces/n/pods/p/proxy/x")]
    [InlineData("/x/", "/api/v1/namespaces/n/pods/p/proxy/x/")]
    [InlineData("/", "/api/v1/namespaces/n/pods/p/proxy/")]
    [InlineData("/a/./../b//c?q=/z#f", "/api/v1/namespaces/n/pods/p/proxy/b/c?q=/z#f")]
    [InlineData("http://10.0.0.1:80/x", "/api/v1/namespaces/n/pods/p/proxy/x")]
    [InlineData("https://api:6443/x", "/api/v1/namespaces/n/pods/p/proxy/x")]
    [InlineData("//10.0.0.1:80", "/api/v1/namespaces/n/pods/p/proxy")]
    [InlineData("/api/v1/namespaces/n/pods/p/proxy/x", "/api/v1/namespaces/n/pods/p/proxy/x")]
    [InlineData("http://example.com/x", "http://example.com/x")]
    [InlineData("x/y", "x/y")]
    [InlineData("#top", "#top")]
    [InlineData("mailto:a@b", "mailto:a@b")]
    [InlineData("", "")]
    public void A_link_leads_through_the_proxy_unless_it_leads_elsewhere_anyhow(string link, string made) => Assert.Equal(made, s_links.Rewrite(link));

    [Theory]
    [InlineData("<p>é <A class=b HREF='/x'>y</A></p>", "<p>é <A class=b HREF='~/x'>y</A></p>")]
    [InlineData("<img src = /a alt=\"/b\"/><link href=\"/c?a=1&amp;b=2\">", "<img src = ~/a alt=\"/b\"/><link href=\"~/c?a=1&amp;b=2\">")]
    [InlineData("<!-- <a href=\"/x\"> --><script src=\"/s\">'<a href=\"/x\">'</script><a href=/z>", "<!-- <a href=\"/x\"> --><script src=\"~/s\">'<a href=\"/x\">'</script><a href=~/z>")]
    [InlineData("a < b <a href='/x", "a < b <a href='~/x")]
    [InlineData("<a =href href>< /a></a href=\"/x\"><p data=\"/x\">", "<a =href href>< /a></a href=\"/x\"><p data=\"/x\">")]
    public void A_page_keeps_everything_but_its_links(string page, string made) =>
        Assert.Equal(made.Replace("~", "/api/v1/namespaces/n/pods/p/proxy"), Encoding.UTF8.GetString(s_links.Page(Encoding.UTF8.GetBytes(page))));
}
