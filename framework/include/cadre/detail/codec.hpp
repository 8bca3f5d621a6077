/// @file
/// Portable values to bytes and back. `encode(encoder, value)`, `decode<T>(decoder)`.
#pragma once

#include <cadre/detail/codec_class.hpp>
#include <cadre/detail/codec_containers.hpp>
#include <cadre/detail/codec_core.hpp>
#include <cadre/detail/codec_products.hpp>
#include <cadre/detail/codec_standard.hpp>
#include <cadre/detail/codec_stream.hpp>
#include <cadre/detail/codec_sums.hpp>
