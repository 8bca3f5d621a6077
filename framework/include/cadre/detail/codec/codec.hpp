/// @file
/// Portable values to bytes and back. `encode(encoder, value)`, `decode<T>(decoder)`.
#pragma once

#include <cadre/detail/codec/codec_class.hpp>
#include <cadre/detail/codec/codec_containers.hpp>
#include <cadre/detail/codec/codec_core.hpp>
#include <cadre/detail/codec/codec_products.hpp>
#include <cadre/detail/codec/codec_standard.hpp>
#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/codec/codec_sums.hpp>
