using Hanbae.Api.Core.V1;

namespace Hanbae.Client.Tests;

/// <summary>A subscriber that believes every word: an addition of what it has, or a change of what it has not, is a lie.</summary>
static class Believer
{
    public static void Hear(Dictionary<string, ConfigMap> mirror, CacheEvent<ConfigMap> e)
    {
        string name = e.Object.Metadata.Name;
        if (e.Old is null) mirror.Add(name, e.New!);
        else if (e.New is null) Assert.True(mirror.Remove(name), "deleted twice");
        else
        {
            Assert.Same(mirror[name], e.Old);
            Assert.Equal(e.Old.Metadata.Uid, e.New.Metadata.Uid);
            Assert.NotEqual(e.Old.Metadata.ResourceVersion, e.New.Metadata.ResourceVersion);
            mirror[name] = e.New;
        }
    }
}
