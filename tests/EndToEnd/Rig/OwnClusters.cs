namespace Hanbae.EndToEnd.Rig;

/// <summary>Tests with clusters of their own: one after the other, but beside those of the shared cluster, since most of their time is waiting.</summary>
[CollectionDefinition(Name)]
public sealed class OwnClusters
{
    public const string Name = "own clusters";
}
